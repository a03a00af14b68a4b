import * as fs from 'node:fs';
import * as os from 'node:os';
import * as vscode from 'vscode';
import type { Middleware } from 'vscode-languageclient/node';
import { Bar } from './bar';
import { register } from './commands';
import { askToDownload, mayDownload, tellMissing } from './consent';
import { findServer, type Machine } from './find';
import { Keys } from './keys';
import { Memory } from './memory';
import { linesOf, Pages } from './pages';
import { Server } from './server';
import { trustedValues, workspaceValues, type Inspect, type Values } from './settings';
import { status } from './state';

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
  const running = new Server(log, home, middleware(memory), (latest) => bar.report(latest));
  server = running;

  const start = async (again: boolean): Promise<void> => {
    const program = findServer(chosenCommand(), machine());
    if (!program || (program.origin === 'uvx' && !mayDownload(context.globalState))) {
      await running.stop();
      bar.report(status('disabled', 'no server is installed'));
      if (!program) {
        tellMissing();
      } else if (await askToDownload(context.globalState, again)) {
        await start(false);
      }
      return;
    }
    await running.run({ program, options: await keys.with(trustedValues(inspect())) }, again);
  };
  const refresh = (again = false): Promise<void> =>
    start(again).catch((error: unknown) => {
      log.error(String(error));
      bar.report(status('failing', 'the server could not be started: see the log'));
    });
  const ask = async (command: string, ...args: unknown[]): Promise<unknown> => {
    const title = 'fim-lsp: waiting for the server';
    return vscode.window.withProgress({ location: vscode.ProgressLocation.Window, title }, () => running.ask(command, ...args));
  };
  const explain = async (page: string, command: string, options: Values, slow = false): Promise<void> => {
    const lines = linesOf(await ask(command, { quiet: true, ...options }));
    const here = memory.silence(vscode.window.activeTextEditor?.document) || !lines ? bar.lines() : [];
    await pages.show(page, [...here, ...(lines ?? ['The server does not answer: see the log (fim-lsp: Show Log).'])], slow);
  };
  const actors = {
    memory,
    keys,
    backend: () => inspect()('backend')?.globalValue as string | undefined,
    restart: () => refresh(true),
    showLog: () => log.show(),
    ask,
    explain,
  };
  context.subscriptions.push(
    log,
    memory,
    bar,
    pages,
    ...register(actors),
    vscode.window.onDidChangeActiveTextEditor(() => bar.draw()),
    vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration('fim-lsp') && refresh()),
    context.secrets.onDidChange(() => refresh()),
  );
  void refresh();
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
