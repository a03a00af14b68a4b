import * as vscode from 'vscode';
import { CLICKED } from './bar';
import { askKey, askMinutes, forgetKey, Menu, offerToUse, pickBackend, pickModel } from './dialogs';
import type { Keys } from './keys';
import type { Memory } from './memory';
import { menuOf, type Group } from './menu';
import { SCHEME } from './pages';
import type { Values } from './settings';
import type { Status } from './state';
import { languageToggled, snoozed, toggled, turned, type Switches } from './switches';

/** What the commands act on. */
export interface Actors {
  readonly memory: Memory;
  readonly keys: Keys;
  readonly status: () => Status;
  /** Fires when the status or what is turned off has changed. */
  readonly onDidChange: vscode.Event<void>;
  readonly hasServer: () => boolean;
  /** The back end in the user's settings. */
  readonly backend: () => string | undefined;
  readonly testKey: (backend: string, key: string) => Promise<void>;
  readonly install: () => Promise<void>;
  readonly restart: () => Promise<void>;
  readonly showLog: () => void;
  /** Run a command of the server. */
  readonly ask: (command: string, ...args: unknown[]) => Promise<unknown>;
  /** Run one that explains, and show its answer on a page. One that is `slow` may take seconds. */
  readonly explain: (page: string, command: string, options: Values, slow?: boolean) => Promise<void>;
}

/** Every command by its id without the prefix. */
function table(actors: Actors): Record<string, () => unknown> {
  const { memory, keys, backend, ask, explain } = actors;
  const keep = async (switches: Switches): Promise<void> => {
    await memory.keep(switches);
    await hideWhereOff(memory);
  };
  return {
    suggest: () => suggest(memory),
    menu: (isClicked?: unknown) => menu(actors, isClicked === CLICKED),
    toggle: () => keep(toggled(memory.switches, Date.now())),
    enable: () => keep(turned(memory.switches, true)),
    disable: () => keep(turned(memory.switches, false)),
    toggleLanguage: () => {
      const language = ownText()?.languageId;
      return language && keep(languageToggled(memory.switches, language));
    },
    toggleFile: () => {
      const document = ownText();
      if (document) {
        memory.toggleHere(document);
      }
      return hideWhereOff(memory);
    },
    snooze: async () => {
      const minutes = await askMinutes(memory.switches.snoozedUntil > Date.now());
      return minutes !== undefined && keep(snoozed(memory.switches, minutes, Date.now()));
    },
    trigger: async () => tell(await ask('fim-lsp.trigger', { quiet: true })),
    showWhy: () => explain('why', 'fim-lsp.why', { uri: ownText()?.uri.toString() }),
    doctor: () => explain('doctor', 'fim-lsp.doctor', { uri: ownText()?.uri.toString() }, true),
    stats: () => explain('statistics', 'fim-lsp.stats', {}),
    showLog: actors.showLog,
    setKey: () => setKey(actors),
    removeKey: () => forgetKey(keys),
    backend: () => pickBackend(keys, backendNames(), backend() ?? 'auto'),
    model: () => switchModel(actors),
    clearCache: () => ask('fim-lsp.clearCache'),
    restart: actors.restart,
    install: actors.install,
    getStarted: () => vscode.commands.executeCommand('workbench.action.openWalkthrough', 'fim-lsp.fim-lsp#start', false),
  };
}

/** Commands of the menu alone. */
function menuTable({ memory }: Actors): Record<string, () => unknown> {
  return {
    wake: () => memory.keep(snoozed(memory.switches, 0, Date.now())),
    settings: () => vscode.commands.executeCommand('workbench.action.openSettings', '@ext:fim-lsp.fim-lsp'),
  };
}

/** Register all commands. */
export function register(actors: Actors): vscode.Disposable[] {
  return Object.entries(table(actors)).map(([name, run]) => vscode.commands.registerCommand(`fim-lsp.${name}`, run));
}

/** The document in the active editor, unless it is a page of ours. */
function ownText(): vscode.TextDocument | undefined {
  const document = vscode.window.activeTextEditor?.document;
  return document?.uri.scheme === SCHEME ? undefined : document;
}

async function hideWhereOff(memory: Memory): Promise<void> {
  if (memory.silence(vscode.window.activeTextEditor?.document)) {
    await vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
  }
}

/** Ask for a suggestion; where suggestions are off, offer to turn them on. */
async function suggest(memory: Memory): Promise<void> {
  const document = vscode.window.activeTextEditor?.document;
  const off = memory.silence(document);
  if (off) {
    const text = `fim-lsp: Suggestions are ${off.state === 'snoozed' ? `snoozed ${off.reason}` : off.reason}.`;
    if ((await vscode.window.showInformationMessage(text, 'Turn On')) !== 'Turn On') {
      return;
    }
    await memory.allow(document);
  }
  await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
}

/** The status menu: what a click on the status bar item opens. It follows what changes while it is open. */
async function menu(actors: Actors, isClicked: boolean): Promise<void> {
  const { memory, status, hasServer, ask } = actors;
  let isManual = vscode.workspace.getConfiguration('fim-lsp').get('trigger') === 'manual'; // until the server has said so
  const groups = (): Group[] => {
    const document = ownText();
    return menuOf({
      status: status(),
      own: memory.silence(document),
      switches: memory.switches,
      language: document?.languageId,
      isOffHere: document !== undefined && memory.isOff(document),
      isManual,
      hasServer: hasServer(),
      now: Date.now(),
    });
  };
  const run = async (command: string): Promise<void> => {
    await (menuTable(actors)[command] ?? table(actors)[command])?.();
    await look();
  };
  const shown = new Menu('fim-lsp', groups, run);
  const look = async (): Promise<void> => {
    isManual = member(await ask('fim-lsp.status', { quiet: true }), 'trigger') === 'manual';
    shown.refresh();
  };
  const following = actors.onDidChange(() => shown.refresh());
  void look();
  const isDismissed = await shown.closed();
  following.dispose();
  if (isClicked && isDismissed) {
    await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup'); // not the status bar
  }
}

async function setKey({ keys, backend, testKey }: Actors): Promise<void> {
  const stored = await askKey(keys);
  if (stored) {
    await testKey(stored.backend, stored.key);
    await offerToUse(keys, stored.backend, backend());
  }
}

async function switchModel({ ask, status }: Actors): Promise<void> {
  const answer = await ask('fim-lsp.model', { quiet: true });
  const models = member(answer, 'models');
  if (!Array.isArray(models)) {
    tell(answer);
    return;
  }
  const current = member(answer, 'model');
  const picked = await pickModel(models.map(String), typeof current === 'string' ? current : status().model);
  if (picked !== undefined) {
    tell(await ask('fim-lsp.model', picked, { quiet: true }));
  }
}

/** Show the sentence that a command of the server has answered with. */
function tell(answer: unknown): void {
  const message = member(answer, 'message');
  if (typeof message === 'string') {
    void vscode.window.showInformationMessage(`fim-lsp: ${message}`);
  } else {
    void vscode.window.showWarningMessage('fim-lsp: The server does not answer.', 'Restart Server').then((pressed) => {
      return pressed && vscode.commands.executeCommand('fim-lsp.restart');
    });
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** All back ends, as the manifest has them. */
function backendNames(): string[] {
  const { packageJSON } = vscode.extensions.getExtension('fim-lsp.fim-lsp') ?? {};
  return packageJSON?.contributes.configuration.properties['fim-lsp.backend'].enum ?? [];
}
