import * as fs from 'node:fs';
import * as os from 'node:os';
import * as vscode from 'vscode';
import type { Middleware } from 'vscode-languageclient/node';
import { Bar } from './bar';
import { register } from './commands';
import type { Machine } from './find';
import { testKey } from './key_test';
import { Keys } from './keys';
import { Launcher } from './launcher';
import { Memory } from './memory';
import { showMessage } from './messages';
import { OwnServer } from './own_server';
import { linesOf, Pages } from './pages';
import { Server } from './server';
import { trustedValues, workspaceValues, type Inspect, type Values } from './settings';
import { UsageWatch } from './usage';

let server: Server | undefined;

/** Start the server; it restarts when its settings or keys change. */
export function activate(context: vscode.ExtensionContext): void {
  const log = vscode.window.createOutputChannel('fim-lsp', { log: true });
  const keys = new Keys(context.secrets);
  const memory: Memory = new Memory(context.globalState, () => bar.draw());
  const bar: Bar = new Bar(() => memory.silence(vscode.window.activeTextEditor?.document));
  const pages = new Pages();
  const home = context.globalStorageUri.fsPath;
  fs.mkdirSync(home, { recursive: true });
  const running = new Server(
    log,
    home,
    middleware(memory),
    (latest) => {
      bar.report(latest);
      usage.refresh();
    },
    (sent) => void showMessage(sent, bar.latest.needsKey === true),
  );
  server = running;
  const ask = async (command: string, ...args: unknown[]): Promise<unknown> => {
    const title = 'fim-lsp: waiting for the server';
    return vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () => running.ask(command, ...args));
  };
  const usage: UsageWatch = new UsageWatch((command, ...args) => running.ask(command, ...args), (now) => bar.reportUsage(now));
  const launcher = new Launcher({
    log,
    bar,
    server: running,
    own: new OwnServer(context.asAbsolutePath('server'), home, machine()),
    machine: machine(),
    store: context.globalState,
    readme: vscode.Uri.joinPath(context.extensionUri, 'readme.md'),
    command: chosenCommand,
    options: () => keys.with(trustedValues(inspect())),
  });
  const explain = async (page: string, command: string, options: Values, slow = false): Promise<void> => {
    const lines = linesOf(await ask(command, { quiet: true, ...options }));
    const here = memory.silence(vscode.window.activeTextEditor?.document) || !lines ? bar.lines() : [];
    await pages.show(page, [...here, ...(lines ?? []), ...launcher.advice(lines !== undefined)], slow);
  };
  const userValue = (name: string): string | undefined => (inspect()(name)?.globalValue as string | undefined) || undefined;
  const actors = {
    memory,
    keys,
    status: () => bar.latest,
    onDidChange: bar.onDidChange,
    hasServer: () => launcher.program() !== undefined,
    backend: () => userValue('backend'),
    testKey: async (backend: string, key: string) => {
      const program = launcher.program();
      const host = userValue('backend') === backend ? (userValue('base_url') ?? backend) : backend;
      return program && testKey(program, host, key, home);
    },
    install: () => launcher.install(),
    restart: () => launcher.start(true),
    showLog: () => log.show(),
    ask,
    explain,
  };
  context.subscriptions.push(
    log,
    memory,
    bar,
    usage,
    pages,
    ...register(actors),
    vscode.window.onDidChangeActiveTextEditor(() => bar.draw()),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (change.affectsConfiguration('fim-lsp.status_bar')) {
        usage.refresh();
      }
      return change.affectsConfiguration('fim-lsp') && launcher.start();
    }),
    context.secrets.onDidChange(() => launcher.start()),
  );
  void launcher.start();
}

/** Stop the server and wait for its process to end. */
export async function deactivate(): Promise<void> {
  await server?.stop();
}

function inspect(): Inspect {
  const settings = vscode.workspace.getConfiguration('fim-lsp');
  return (name) => settings.inspect(name);
}

/** The user's setting; a workspace's is ignored. */
function chosenCommand(): string[] {
  const setting = inspect()('command')?.globalValue;
  return Array.isArray(setting) ? setting.map(String) : [];
}

function machine(): Machine {
  return { platform: process.platform, env: process.env, home: os.homedir(), isProgram };
}

function isProgram(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}

/** Suppresses suggestions where they are turned off, and sends only settings that somebody has set. */
function middleware(memory: Memory): Middleware {
  return {
    provideInlineCompletionItems: (document, position, context, token, next) =>
      memory.silence(document) ? [] : next(document, position, context, token),
    workspace: {
      // The same change may have stopped the server.
      didChangeConfiguration: (sections, next) => next(sections).catch(() => undefined),
      configuration: async (params, token, next) => {
        const answers = await next(params, token);
        return Array.isArray(answers)
          ? answers.map((answer, index) =>
              params.items[index]?.section === 'fim-lsp' ? workspaceValues(inspect()) : answer,
            )
          : answers;
      },
    },
  };
}
