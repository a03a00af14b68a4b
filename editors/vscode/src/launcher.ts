import * as vscode from 'vscode';
import type { Bar } from './bar';
import { findServer, type Machine, type Program } from './find';
import { Cancelled, InstallError, type OwnServer } from './own_server';
import type { Server } from './server';
import type { Values } from './settings';
import { status } from './state';

const SLOT = 'server.offered';
const INSTALL = 'Install';
const HOW = 'How to Install';
const LOG = 'Show Log';
const AGAIN = 'Try Again';
const NONE = status('disabled', 'no server is installed: run "fim-lsp: Install Server"');

/** What a launcher needs to know of VS Code, and what it acts on. */
export interface Surroundings {
  readonly log: vscode.LogOutputChannel;
  readonly bar: Bar;
  readonly server: Server;
  readonly own: OwnServer;
  readonly machine: Machine;
  /** What has been asked before, on this machine. */
  readonly store: vscode.Memento;
  /** The page about the extension. */
  readonly readme: vscode.Uri;
  readonly command: () => string[];
  readonly options: () => Promise<Values>;
}

/** Finds the server and starts it; where there is none, offers once to install it. */
export class Launcher {
  private installing: Promise<boolean> | undefined;
  private hasTriedToRenew = false; // once for each window: a failure must not lead to the next try

  constructor(private readonly at: Surroundings) {}

  /** The program to start: the setting's, one on PATH, or the installed one. */
  program(): Program | undefined {
    return findServer(this.at.command(), this.at.machine) ?? this.at.own.find()?.program;
  }

  /** Start the server if it does not run yet with the settings of now, or `again`. Never rejects. */
  async start(again = false): Promise<void> {
    try {
      const program = this.program();
      void vscode.commands.executeCommand('setContext', 'fim-lsp.hasServer', program !== undefined); // for the walkthrough
      if (!program) {
        await this.nothingToStart();
      } else if (this.isMissing(program)) {
        await this.tellMissing(program.command);
      } else {
        await this.at.server.run({ program, options: await this.at.options() }, again);
        this.renew(program);
      }
    } catch (error) {
      this.at.log.error(String(error));
      this.at.bar.report(status('failing', 'the server could not be started: see the log'));
    }
  }

  /** Install the server into the extension's own folder and start it, with progress that can be cancelled. */
  async install(): Promise<void> {
    this.installing ??= this.installed().finally(() => (this.installing = undefined));
    if ((await this.installing) || this.program()) {
      await this.start();
    }
  }

  /** What to do where the server has not answered, or wants a key: lines for the end of a page. */
  advice(hasAnswered: boolean): string[] {
    if (!this.program()) {
      return [
        'There is no server. Run "fim-lsp: Install Server" from the command palette (F1), which installs the one that this ' +
          'extension brings. Or install fim-lsp yourself and restart VS Code, or name its program in the setting fim-lsp.command.',
      ];
    }
    if (!hasAnswered) {
      return ['The server does not answer. Run "fim-lsp: Restart Server"; "fim-lsp: Show Log" has its last words.'];
    }
    return this.at.bar.latest.needsKey ? ['In VS Code, run "fim-lsp: Set API Key" (F1).'] : [];
  }

  private async nothingToStart(): Promise<void> {
    const { bar, log, server, store } = this.at;
    if (this.installing) {
      return;
    }
    await server.stop();
    bar.report(NONE);
    log.warn('No server is installed. "fim-lsp: Install Server" installs the one that this extension brings.');
    if (store.get<boolean>(SLOT)) {
      return;
    }
    await store.update(SLOT, true);
    void this.offer();
  }

  private async offer(): Promise<void> {
    const text =
      'fim-lsp needs its server, a Python program that this extension brings. Install it into the folder of this extension? ' +
      'The libraries that it uses, about 1 MB, are downloaded.';
    const pressed = await vscode.window.showInformationMessage(text, INSTALL, HOW);
    if (pressed === INSTALL) {
      await this.install();
    } else if (pressed === HOW) {
      await this.showReadme();
    }
  }

  /** The page lies beside the program: it needs no gallery. */
  private async showReadme(): Promise<void> {
    await vscode.commands.executeCommand('markdown.showPreview', this.at.readme);
  }

  private isMissing({ command, origin }: Program): boolean {
    const isPath = /[/\\]/.test(command);
    return origin === 'in the setting fim-lsp.command' && (!isPath || !this.at.machine.isProgram(command));
  }

  private async tellMissing(command: string): Promise<void> {
    const { bar, log, server } = this.at;
    await server.stop();
    const sentence = `${command}, which the setting fim-lsp.command names, is not a program on this machine`;
    bar.report(status('failing', sentence));
    log.warn(`${sentence}.`);
    void vscode.window.showErrorMessage(`fim-lsp: ${sentence}.`, 'Open Setting').then(async (pressed) => {
      if (pressed) {
        await vscode.commands.executeCommand('workbench.action.openSettings', 'fim-lsp.command');
      }
    });
  }

  /** The user has agreed to an installation: another version of the extension brings another server. */
  private renew(program: Program): void {
    const { own } = this.at;
    if (program.origin !== "in the extension's folder" || !own.canInstall) {
      return;
    }
    if (own.find()?.isCurrent) {
      own.removeOthers();
    } else if (!this.hasTriedToRenew) {
      this.hasTriedToRenew = true;
      void this.install();
    }
  }

  /** Whether it succeeded. */
  private async installed(): Promise<boolean> {
    const { bar, log, own } = this.at;
    if (!own.canInstall) {
      const text = 'fim-lsp: This build of the extension brings no server.';
      void vscode.window.showErrorMessage(text, HOW).then((pressed) => pressed && this.showReadme());
      return false;
    }
    const options = { location: vscode.ProgressLocation.Notification, title: 'fim-lsp server', cancellable: true };
    bar.report(status('starting', 'the server is being installed'));
    const failure = await vscode.window.withProgress(options, async (progress, token) => {
      const onStep = (does: string): void => progress.report({ message: does });
      return own.install(token, onStep, (line) => log.info(line)).catch((error: unknown) => error);
    });
    if (failure === undefined) {
      return true;
    }
    const sentence = failure instanceof InstallError ? failure.message : `The installation failed: ${String(failure)}.`;
    log.warn(sentence);
    bar.report(NONE);
    if (failure instanceof Cancelled) {
      return false; // the user knows
    }
    void vscode.window.showErrorMessage(`fim-lsp: ${sentence}`, AGAIN, LOG).then(async (pressed) => {
      if (pressed) {
        await vscode.commands.executeCommand(pressed === AGAIN ? 'fim-lsp.install' : 'fim-lsp.showLog');
      }
    });
    return false;
  }
}
