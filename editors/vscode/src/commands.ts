import * as vscode from 'vscode';
import { askKey, askMinutes, forgetKey } from './dialogs';
import type { Keys } from './keys';
import type { Memory } from './memory';
import { languageToggled, snoozed, toggled, type Switches } from './switches';

/** What the commands act on. */
export interface Actors {
  readonly memory: Memory;
  readonly keys: Keys;
  readonly backend: () => string | undefined;
  readonly restart: () => Promise<void>;
  readonly showLog: () => void;
  readonly showWhy: () => Promise<void>;
}

/** Every command by its id without the prefix. */
function table({ memory, keys, backend, restart, showLog, showWhy }: Actors): Record<string, () => unknown> {
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
    showLog,
    showWhy,
    setKey: () => askKey(keys, backend()),
    removeKey: () => forgetKey(keys),
    restart,
    menu,
  };
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
