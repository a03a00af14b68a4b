import * as vscode from 'vscode';
import type { Status } from './state';
import { ALL_ON, languageToggled, silence, turned, type Switches } from './switches';

const SLOT = 'switches';

/** The switches, remembered for all windows, and the moment when a snooze ends. */
export class Memory implements vscode.Disposable {
  private timer: NodeJS.Timeout | undefined;
  private readonly offHere = new Set<string>(); // documents, of this window

  /** `changed` hears of every change, a snooze's end too. */
  constructor(
    private readonly store: vscode.Memento,
    private readonly changed: () => void,
  ) {
    this.watch();
  }

  get switches(): Switches {
    return { ...ALL_ON, ...this.store.get<Partial<Switches>>(SLOT) };
  }

  async keep(switches: Switches): Promise<void> {
    await this.store.update(SLOT, switches);
    this.watch();
    this.changed();
  }

  /** Why there are no suggestions in a document just now. */
  silence(document: vscode.TextDocument | undefined): Status | undefined {
    return silence(this.switches, document?.languageId, Date.now(), document && this.isOff(document));
  }

  /** Whether suggestions are off in this very document. */
  isOff(document: vscode.TextDocument): boolean {
    return this.offHere.has(document.uri.toString());
  }

  /** Turn suggestions on wherever they are off for a document. */
  async allow(document: vscode.TextDocument | undefined): Promise<void> {
    const on = turned(this.switches, true);
    const language = document?.languageId;
    if (document) {
      this.offHere.delete(document.uri.toString());
    }
    await this.keep(language && on.languages.includes(language) ? languageToggled(on, language) : on);
  }

  /** Toggle for one document, until the window is closed. */
  toggleHere(document: vscode.TextDocument): void {
    const uri = document.uri.toString();
    if (!this.offHere.delete(uri)) {
      this.offHere.add(uri);
    }
    this.changed();
  }

  dispose(): void {
    clearTimeout(this.timer);
  }

  private watch(): void {
    clearTimeout(this.timer);
    const left = this.switches.snoozedUntil - Date.now();
    if (left > 0) {
      this.timer = setTimeout(this.changed, left);
    }
  }
}
