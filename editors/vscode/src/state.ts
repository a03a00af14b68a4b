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
}

const ICONS: Record<State, string> = {
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
  };
}

/** What the status bar shows: a text, and lines for the tooltip. `own` is what the user has turned off in VS Code. */
export function shown(of: Status, own: Status | undefined): { text: string; tooltip: string[] } {
  const { state, until } = own && of.state !== 'failing' ? own : of;
  const why = own?.reason ?? of.reason;
  const source = [of.backend, of.model, of.host].filter(Boolean).join(' · ');
  const tooltip = [`fim-lsp: ${state}${why ? `, ${why}` : ''}`, ...(own && of.reason ? [of.reason] : []), source];
  const isOver = (state === 'limited' || state === 'snoozed') && until !== undefined ? ` ${clock(until)}` : '';
  return { text: `${ICONS[state]} fim-lsp${isOver}`, tooltip: tooltip.filter(Boolean) };
}

/** The time of day, as the user writes it. */
export function clock(time: number): string {
  return new Date(time).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}
