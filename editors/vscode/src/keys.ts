import type * as vscode from 'vscode';
import rules from './rules.json';
import type { Values } from './settings';

/** The back ends that take a key, in the order in which one is chosen if no setting does, each with its host. */
export const HOLDERS: readonly { name: string; host: string }[] = rules.backends;

/** API keys, one for each back end, in VS Code's secret storage. None of them is ever shown or logged. */
export class Keys {
  constructor(private readonly secrets: vscode.SecretStorage) {}

  /** Of a back end, or undefined. */
  async get(backend: string): Promise<string | undefined> {
    return this.secrets.get(slot(backend));
  }

  async set(backend: string, key: string): Promise<void> {
    await this.secrets.store(slot(backend), key);
  }

  async remove(backend: string): Promise<void> {
    await this.secrets.delete(slot(backend));
  }

  /** The back ends that have a key. */
  async held(): Promise<string[]> {
    const found = await Promise.all(HOLDERS.map(async ({ name }) => ((await this.get(name)) ? [name] : [])));
    return found.flat();
  }

  /** The options with the key that belongs to their back end; without one of the user's, the first key chooses it. */
  async with(options: Values): Promise<Values> {
    const wanted = options['backend'] ?? 'auto';
    const backend = wanted === 'auto' ? (await this.held())[0] : wanted;
    const key = typeof backend === 'string' ? await this.get(backend) : undefined;
    return key ? { ...options, backend, api_key: key } : options;
  }
}

function slot(backend: string): string {
  return `fim-lsp.key.${backend}`;
}
