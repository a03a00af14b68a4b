/** The server's states in `fim-lsp/status`, and `starting`, which only the editor knows. */
export type State = 'ready' | 'busy' | 'paused' | 'trouble' | 'off' | 'starting';

export interface Status {
  readonly state: State;
  readonly reason: string;
  readonly backend: string;
  readonly model: string;
  readonly host: string;
}

const ICONS: Record<State, string> = {
  ready: '$(sparkle)',
  busy: '$(sync~spin)',
  paused: '$(debug-pause)',
  trouble: '$(warning)',
  off: '$(circle-slash)',
  starting: '$(sync~spin)',
};

/** A state without details about a back end. */
export function status(state: State, reason = ''): Status {
  return { state, reason, backend: '', model: '', host: '' };
}

/** A status that the server sent; fields of the wrong type are ignored. */
export function received(sent: unknown): Status {
  const said: Record<string, unknown> = typeof sent === 'object' && sent !== null ? { ...sent } : {};
  const text = (name: string): string => (typeof said[name] === 'string' ? said[name] : '');
  const state = text('state');
  return {
    state: Object.hasOwn(ICONS, state) ? (state as State) : 'ready',
    reason: text('reason'),
    backend: text('backend'),
    model: text('model'),
    host: text('host'),
  };
}

/** What the status bar shows: a text, and lines for the tooltip. `silent` is why suggestions are off. */
export function shown(of: Status, silent: string | undefined): { text: string; tooltip: string[] } {
  const state = silent && of.state !== 'trouble' ? 'off' : of.state;
  const why = silent ?? of.reason;
  const source = [of.backend, of.model, of.host].filter(Boolean).join(' · ');
  const tooltip = [`fim-lsp: ${state}${why ? `, ${why}` : ''}`, ...(silent && of.reason ? [of.reason] : []), source];
  return { text: `${ICONS[state]} fim-lsp`, tooltip: tooltip.filter(Boolean) };
}
