import rules from './rules.json';

/** The result of `inspect` of VS Code's configuration for one setting. */
export interface Inspected {
  readonly globalValue?: unknown;
  readonly workspaceValue?: unknown;
  readonly workspaceFolderValue?: unknown;
}

export type Inspect = (name: string) => Inspected | undefined;
export type Values = Record<string, unknown>;

/**
 * For `initializationOptions`, which the server trusts: settings that only the user may change, never the workspace.
 * Defaults are not sent, so that the user's config.toml and environment apply.
 */
export function trustedValues(inspect: Inspect): Values {
  return collect(rules.trusted, (name) => inspect(name)?.globalValue);
}

/** For `workspace/configuration`, which the server does not trust and may request at any time. */
export function workspaceValues(inspect: Inspect): Values {
  return collect(rules.workspace, (name) => {
    const found = inspect(name);
    const project = found?.workspaceFolderValue ?? found?.workspaceValue;
    return project !== undefined || rules.trusted.includes(name) ? project : found?.globalValue;
  });
}

function collect(names: readonly string[], value: (name: string) => unknown): Values {
  const rows = names.map((name) => [name, value(name)] as const);
  return Object.fromEntries(rows.filter(([name, found]) => found !== undefined && !isUnset(name, found)));
}

/** The settings page leaves an empty text or list where the user has deleted a value. */
function isUnset(name: string, value: unknown): boolean {
  const empty = value === '' || (Array.isArray(value) && value.length === 0);
  return empty && rules.unset_if_empty.includes(name);
}
