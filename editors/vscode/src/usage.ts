import * as vscode from 'vscode';
import { usageOf, type Usage } from './state';

const EVERY = 15_000; // milliseconds

/** Asks the server for today's usage from time to time, if the status bar is to show it. */
export class UsageWatch implements vscode.Disposable {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly ask: (command: string, ...args: unknown[]) => Promise<unknown>,
    private readonly report: (usage: Usage | undefined) => void,
  ) {}

  /** Look now, and again later; or stop, if the setting says so. */
  refresh(): void {
    clearInterval(this.timer);
    this.timer = undefined;
    if (vscode.workspace.getConfiguration('fim-lsp').get('status_bar') !== 'usage') {
      this.report(undefined);
      return;
    }
    this.timer = setInterval(() => void this.look(), EVERY);
    void this.look();
  }

  dispose(): void {
    clearInterval(this.timer);
  }

  private async look(): Promise<void> {
    const usage = usageOf(await this.ask('fim-lsp.status', { usage: true, quiet: true }));
    if (this.timer) {
      this.report(usage);
    }
  }
}
