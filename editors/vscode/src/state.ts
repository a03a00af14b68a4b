/** The server's states in `fim-lsp/status`, and `starting`, which only the editor knows. */
export type State =
  | 'idle'
  | 'waiting'
  | 'calling'
  | 'limited'
  | 'offline'
  | 'failing'
  | 'disabled'
  | 'snoozed'
  | 'starting';

export interface Status {
  readonly state: State;
  readonly reason: string;
  readonly backend: string;
  readonly model: string;
  readonly host: string;
  /** When a limit or a snooze ends, or a host is tried again, in milliseconds since 1970. */
  readonly until?: number;
  /** Whether the API key is missing or refused. */
  readonly needsKey?: boolean;
}

/** What today's calls took and used, as the server counts them. */
export interface Usage {
  /** The median time to an answer in milliseconds, or null if there was none. */
  readonly latency: number | null;
  /** Tokens sent and received. */
  readonly tokens: number;
}

export const ICONS: Record<State, string> = {
  idle: '$(sparkle)',
  waiting: '$(watch)',
  calling: '$(sync~spin)',
  limited: '$(debug-pause)',
  offline: '$(debug-disconnect)',
  failing: '$(warning)',
  disabled: '$(circle-slash)',
  snoozed: '$(bell-slash)',
  starting: '$(loading~spin)',
};

/** A state without details about a back end. */
export function status(state: State, reason = '', until?: number): Status {
  return { state, reason, backend: '', model: '', host: '', ...(until === undefined ? {} : { until }) };
}

/** A status that the server sent; fields of the wrong type are ignored. */
export function received(sent: unknown): Status {
  const said: Record<string, unknown> = typeof sent === 'object' && sent !== null ? { ...sent } : {};
  const text = (name: string): string => (typeof said[name] === 'string' ? said[name] : '');
  const state = text('state');
  const until = typeof said['until'] === 'number' ? 1000 * said['until'] : undefined;
  return {
    ...status(Object.hasOwn(ICONS, state) ? (state as State) : 'idle', text('reason'), until),
    backend: text('backend'),
    model: text('model'),
    host: text('host'),
    ...(said['needsKey'] === true ? { needsKey: true } : {}),
  };
}

/** The usage in a server's answer, or undefined if it has none. */
export function usageOf(answer: unknown): Usage | undefined {
  const said = typeof answer === 'object' && answer !== null && 'usage' in answer ? answer.usage : undefined;
  if (typeof said !== 'object' || said === null || !('tokens' in said) || typeof said.tokens !== 'number') {
    return undefined;
  }
  return { tokens: said.tokens, latency: 'latency' in said && typeof said.latency === 'number' ? said.latency : null };
}

/** What the status bar shows: a text, and lines for the tooltip. `own` is what the user has turned off in VS Code. */
export function shown(of: Status, own: Status | undefined, usage?: Usage): { text: string; tooltip: string[] } {
  const { state, until } = own && of.state !== 'failing' ? own : of;
  const why = own?.reason ?? of.reason;
  const source = [of.backend, of.model, of.host].filter(Boolean).join(' · ');
  const tooltip = [`fim-lsp: ${state}${why ? `, ${why}` : ''}`, ...(own && of.reason ? [of.reason] : []), source];
  const isOver = (state === 'limited' || state === 'snoozed') && until !== undefined ? ` ${clock(until)}` : '';
  const spent = usage ? ` ${inShort(usage)}` : '';
  return { text: `${ICONS[state]} fim-lsp${isOver}${spent}`, tooltip: tooltip.filter(Boolean) };
}

/** `420 ms · 12.3k`: the median time to an answer, and the tokens of today. */
function inShort({ latency, tokens }: Usage): string {
  const time = latency === null ? [] : [latency < 1000 ? `${Math.round(latency)} ms` : `${(latency / 1000).toFixed(1)} s`];
  const count = tokens < 1000 ? `${tokens}` : tokens < 999_500 ? `${(tokens / 1000).toFixed(1)}k` : `${(tokens / 1e6).toFixed(1)}M`;
  return [...time, `${count} tokens`].join(' · ');
}

/** The time of day, as the user writes it. */
export function clock(time: number): string {
  return new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}
