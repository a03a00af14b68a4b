import * as vscode from 'vscode';
import { shown, status, type Status, type Usage } from './state';

/** The menu's argument if it is opened by a click. */
export const CLICKED = 'clicked';

/** The status bar item: the server's state and its reason, what the user has turned off, and on wish today's usage. */
export class Bar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem('fim-lsp', vscode.StatusBarAlignment.Right, 100);
  private readonly emitter = new vscode.EventEmitter<void>();
  private usage: Usage | undefined;
  readonly onDidChange = this.emitter.event;

  /** The server's state. */
  latest: Status = status('starting');

  /** `silent` returns why suggestions are off at the moment. */
  constructor(private readonly silent: () => Status | undefined) {
    this.item.name = 'fim-lsp';
    this.item.command = { command: 'fim-lsp.menu', title: 'fim-lsp', arguments: [CLICKED] };
    this.draw();
    this.item.show();
  }

  /** Show a new state. */
  report(latest: Status): void {
    this.latest = latest;
    this.draw();
  }

  /** Show what today's calls took and used, or no longer. */
  reportUsage(usage: Usage | undefined): void {
    this.usage = usage;
    this.draw();
  }

  /** Redraw after a change that is not the server's state. */
  draw(): void {
    const { text, tooltip } = shown(this.latest, this.silent(), this.usage);
    this.item.text = text;
    this.item.tooltip = tooltip.join('\n');
    this.item.accessibilityInformation = { label: tooltip.join(', ') };
    const failing = this.latest.state === 'failing';
    this.item.backgroundColor = failing ? new vscode.ThemeColor('statusBarItem.warningBackground') : undefined;
    this.emitter.fire();
  }

  /** The tooltip's lines. */
  lines(): string[] {
    return shown(this.latest, this.silent()).tooltip;
  }

  dispose(): void {
    this.item.dispose();
    this.emitter.dispose();
  }
}
