import * as vscode from 'vscode';
import type { Status } from './state';
import { ALL_ON, silence, type Switches } from './switches';

const SLOT = 'switches';

/** The switches, remembered for all windows, and the moment when a snooze ends. */
export class Memory implements vscode.Disposable {
  private timer: NodeJS.Timeout | undefined;

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
    return silence(this.switches, document?.languageId, Date.now());
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
