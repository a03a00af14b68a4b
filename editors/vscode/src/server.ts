import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as readline from 'node:readline';
import type { Readable } from 'node:stream';
import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  State as ClientState,
  type ErrorHandler,
  type LanguageClient,
  type LanguageClientOptions,
  type Middleware,
} from 'vscode-languageclient/node';
import { QuietClient } from './client';
import type { Program } from './find';
import { LateAnswers } from './late';
import type { Values } from './settings';
import { received, status, type Status } from './state';

/** Files, new ones, the cells of notebooks, and the box for a commit's message. */
const SCHEMES = ['file', 'untitled', 'vscode-notebook-cell', 'vscode-scm'];
const CRASHES = 3;
const CRASHES_WITHIN = 180_000; // milliseconds

/** What a server is started with; one that has changed needs another server. */
export interface Launch {
  readonly program: Program;
  readonly options: Values;
}

/** The running server, if there is one. Starts and stops are done one after the other. */
export class Server {
  private client: LanguageClient | undefined;
  private process: ChildProcess | undefined;
  private launched: string | undefined;
  private queue: Promise<void> = Promise.resolve();
  private readonly late = new LateAnswers();

  constructor(
    private readonly log: vscode.LogOutputChannel,
    private readonly folder: string,
    private readonly middleware: Middleware,
    private readonly report: (status: Status) => void,
    private readonly tell: (message: unknown) => void,
  ) {}

  /** Run a server with these options; one that already runs with them is kept, unless `again`. */
  run(launch: Launch, again = false): Promise<void> {
    return this.next(async () => {
      const wanted = JSON.stringify(launch);
      if (this.client?.isRunning() && wanted === this.launched && !again) {
        return;
      }
      await this.end();
      this.launched = wanted;
      await this.begin(launch);
    });
  }

  /** Stop the server; its process has ended when this resolves. */
  stop(): Promise<void> {
    return this.next(() => this.end());
  }

  /** The result of a command of the server, or undefined if it has none. */
  async ask(command: string, ...args: unknown[]): Promise<unknown> {
    const client = this.client;
    const known = client?.initializeResult?.capabilities.executeCommandProvider?.commands ?? [];
    if (!client?.isRunning() || !known.includes(command)) {
      return undefined;
    }
    return client.sendRequest('workspace/executeCommand', { command, arguments: args }).catch((error: unknown) => {
      this.log.warn(`${command}: ${String(error)}`);
      return undefined;
    });
  }

  private next(step: () => Promise<void>): Promise<void> {
    this.queue = this.queue.then(step).catch((error: unknown) => this.log.error(String(error)));
    return this.queue;
  }

  private async begin({ program, options }: Launch): Promise<void> {
    this.report(status('starting'));
    this.log.info(`starting ${program.command}, found ${program.origin}`);
    const client = new QuietClient('fim-lsp', 'fim-lsp', () => this.spawn(program), this.clientOptions(options));
    client.registerFeature({
      fillClientCapabilities: (capabilities) => {
        const wanted = { fimLspStatus: true, fimLspSuggestionReady: true };
        capabilities.experimental = { ...capabilities.experimental, ...wanted };
      },
      initialize: () => undefined,
      getState: () => ({ kind: 'static' }),
      clear: () => undefined,
    });
    this.late.listen(client);
    client.onNotification('fim-lsp/status', (sent: unknown) => this.report(received(sent)));
    client.onNotification('window/showMessage', this.tell);
    client.onDidChangeState(({ newState }) => {
      if (newState === ClientState.Running) {
        this.report(status('idle'));
      }
    });
    this.client = client;
    try {
      await client.start();
    } catch {
      this.fail(`${program.command} could not be started`);
    }
  }

  private async spawn({ command, args }: Program): Promise<ChildProcess> {
    // Not in the workspace: files there must not be loaded as parts of the server.
    const child = spawn(command, args, { cwd: this.folder });
    await once(child, 'spawn'); // rejects if it cannot be started
    this.process = child;
    return child;
  }

  private async end(): Promise<void> {
    const { client, process: child } = this;
    this.client = this.process = undefined;
    const exited = child?.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    if (client?.needsStop()) {
      await client.stop().catch((error: unknown) => this.log.warn(`stopping: ${String(error)}`));
    }
    await client?.dispose().catch(() => undefined); // a client that never started has nothing to dispose of
    await exited; // the client kills a process that has not ended two seconds after `exit`
  }

  private fail(sentence: string): void {
    this.report(status('failing', sentence));
    void vscode.window.showErrorMessage(`fim-lsp: ${sentence}.`, 'Show Log', 'Restart').then((pressed) => {
      if (pressed) {
        void vscode.commands.executeCommand(pressed === 'Restart' ? 'fim-lsp.restart' : 'fim-lsp.showLog');
      }
    });
  }

  private clientOptions(options: Values): LanguageClientOptions {
    return {
      documentSelector: SCHEMES.map((scheme) => ({ scheme })),
      initializationOptions: options,
      outputChannel: this.log,
      middleware: this.late.wrap(this.middleware),
      errorHandler: this.errorHandler(),
      initializationFailedHandler: () => false,
      stdioOptions: {
        stdout: () => undefined,
        stderr: (input: Readable, log: vscode.LogOutputChannel) => {
          readline.createInterface({ input }).on('line', (line) => log.warn(line));
        },
      },
    };
  }

  /** Restarts a server that ends by itself, a few times. */
  private errorHandler(): ErrorHandler {
    let crashes: number[] = [];
    return {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: () => {
        const now = Date.now();
        crashes = [...crashes.filter((time) => now - time < CRASHES_WITHIN), now];
        const running = this.client?.initializeResult !== undefined;
        if (running && crashes.length <= CRASHES) {
          this.report(status('starting', 'the server ended and is being restarted'));
          return { action: CloseAction.Restart, handled: true };
        }
        if (running) {
          this.fail('the server ended repeatedly');
        }
        return { action: CloseAction.DoNotRestart, handled: true };
      },
    };
  }
}
