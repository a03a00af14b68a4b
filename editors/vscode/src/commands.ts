import * as vscode from 'vscode';
import { askKey, askMinutes, forgetKey } from './dialogs';
import type { Keys } from './keys';
import type { Memory } from './memory';
import { SCHEME } from './pages';
import type { Values } from './settings';
import { languageToggled, snoozed, toggled, type Switches } from './switches';

/** What the commands act on. */
export interface Actors {
  readonly memory: Memory;
  readonly keys: Keys;
  readonly backend: () => string | undefined;
  readonly restart: () => Promise<void>;
  readonly showLog: () => void;
  /** Run a command of the server. */
  readonly ask: (command: string, ...args: unknown[]) => Promise<unknown>;
  /** Run one that explains, and show its answer on a page. One that is `slow` may take seconds. */
  readonly explain: (page: string, command: string, options: Values, slow?: boolean) => Promise<void>;
}

/** Every command by its id without the prefix. */
function table({ memory, keys, backend, restart, showLog, ask, explain }: Actors): Record<string, () => unknown> {
  const keep = async (switches: Switches): Promise<void> => {
    await memory.keep(switches);
    if (memory.silence(vscode.window.activeTextEditor?.document)) {
      await vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
    }
  };
  return {
    toggle: () => keep(toggled(memory.switches, Date.now())),
    toggleLanguage: () => {
      const language = vscode.window.activeTextEditor?.document.languageId;
      return language && keep(languageToggled(memory.switches, language));
    },
    snooze: async () => {
      const minutes = await askMinutes(memory.switches.snoozedUntil > Date.now());
      return minutes !== undefined && keep(snoozed(memory.switches, minutes, Date.now()));
    },
    clearCache: () => ask('fim-lsp.clearCache'),
    showWhy: () => explain('why', 'fim-lsp.why', { uri: ownText()?.uri.toString() }),
    doctor: () => explain('doctor', 'fim-lsp.doctor', { uri: ownText()?.uri.toString() }, true),
    stats: () => explain('statistics', 'fim-lsp.stats', {}),
    showLog,
    setKey: () => askKey(keys, backend()),
    removeKey: () => forgetKey(keys),
    restart,
    menu,
  };
}

/** The document in the active editor, unless it is a page of ours. */
function ownText(): vscode.TextDocument | undefined {
  const document = vscode.window.activeTextEditor?.document;
  return document?.uri.scheme === SCHEME ? undefined : document;
}

/** Register all commands. */
export function register(actors: Actors): vscode.Disposable[] {
  return Object.entries(table(actors)).map(([name, run]) => vscode.commands.registerCommand(`fim-lsp.${name}`, run));
}

/** The commands to choose from: what a click on the status bar item opens. */
async function menu(): Promise<void> {
  const { packageJSON } = vscode.extensions.getExtension('fim-lsp.fim-lsp') ?? {};
  const declared: { command: string; title: string }[] = packageJSON?.contributes.commands ?? [];
  const rows = declared
    .filter(({ command }) => command !== 'fim-lsp.menu')
    .map(({ command, title }) => ({ label: title, command }));
  const picked = await vscode.window.showQuickPick(rows, { title: 'fim-lsp' });
  if (picked) {
    await vscode.commands.executeCommand(picked.command);
  }
}
