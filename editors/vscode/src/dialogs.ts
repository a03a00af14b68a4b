import * as vscode from 'vscode';
import { HOLDERS, type Keys } from './keys';
import type { Group, Row } from './menu';

type Item = vscode.QuickPickItem & { row?: Row };

const MINUTES = [5, 15, 60, 480];
const ABOUT: Record<string, string> = {
  auto: 'the service whose key is set, otherwise a server on this machine, otherwise your own files',
  llamacpp: 'a llama.cpp server, by default on this machine',
  ollama: 'an Ollama server, by default on this machine',
  openai: "any server that speaks OpenAI's completions API; needs the setting Base URL",
  ngram: 'your own files, without a key or a network',
};

/** A list of rows that stays open while its switches are pressed. It is filled again on `refresh`. */
export class Menu {
  private readonly pick = vscode.window.createQuickPick<Item>();
  private highlighted: Item | undefined;
  private isDone = false; // a row that closes it was chosen

  /** `groups` are the rows of now; `run` carries out a row's command. */
  constructor(
    title: string,
    private readonly groups: () => readonly Group[],
    private readonly run: (command: string) => unknown,
  ) {
    this.pick.title = title;
    this.pick.matchOnDescription = true;
    this.pick.onDidAccept(() => this.accept());
    // For a moment after new rows, none is highlighted.
    this.pick.onDidChangeActive(([item]) => (this.highlighted = item ?? this.highlighted));
    this.refresh();
    this.pick.show();
  }

  /** Resolves when the menu is closed, to whether it was dismissed. */
  closed(): Promise<boolean> {
    return new Promise((resolve) => {
      this.pick.onDidHide(() => {
        this.pick.dispose();
        resolve(!this.isDone);
      });
    });
  }

  /** Show the rows of now, if they are others; the highlighted one stays highlighted. */
  refresh(): void {
    const { pick } = this;
    const items = this.groups().flatMap(itemsOf);
    if (JSON.stringify(items) === JSON.stringify(pick.items)) {
      return;
    }
    const command = this.highlighted?.row?.command;
    const at = pick.items.findIndex(({ row }) => row && row.command === command);
    const again = items.find(({ row }) => row && row.command === command) ?? items[Math.max(at, 0)];
    pick.items = items;
    pick.activeItems = again ? [again] : [];
    this.highlighted = again;
  }

  private async accept(): Promise<void> {
    const row = this.pick.selectedItems[0]?.row;
    if (!row) {
      return;
    }
    if (!row.stays) {
      this.isDone = true;
      this.pick.hide();
    }
    this.pick.keepScrollPosition = true; // not before: with it, VS Code highlights no row of a new list
    await this.run(row.command);
    if (row.stays) {
      this.refresh();
    }
  }
}

function itemsOf(group: Group): Item[] {
  return [
    ...(group.title ? [{ label: group.title, kind: vscode.QuickPickItemKind.Separator }] : []),
    ...group.rows.map((row) => ({
      label: row.label,
      row,
      ...(row.description && { description: row.description }),
      ...(row.detail && { detail: row.detail }),
    })),
  ];
}

/** How long to snooze, in minutes; 0 ends a snooze, undefined changes nothing. */
export async function askMinutes(snoozing: boolean): Promise<number | undefined> {
  const rows = MINUTES.map((minutes) => ({ label: minutes < 60 ? `${minutes} minutes` : plural(minutes / 60), minutes }));
  const all = snoozing ? [{ label: 'End snooze', minutes: 0 }, ...rows] : rows;
  return (await vscode.window.showQuickPick(all, { title: 'fim-lsp: No suggestions for' }))?.minutes;
}

/** Ask for a back end and its key, and store the key. A key is sent to its back end only. Returns what was stored. */
export async function askKey(keys: Keys): Promise<{ backend: string; key: string } | undefined> {
  const held = await keys.held();
  const rows = HOLDERS.map(({ name, host }) => ({
    label: name,
    description: [host, held.includes(name) ? 'a key is stored' : ''].filter(Boolean).join(' · '),
  }));
  const backend = (await vscode.window.showQuickPick(rows, { title: 'fim-lsp: Which service is the key for?' }))?.label;
  if (!backend) {
    return undefined;
  }
  const typed = await vscode.window.showInputBox({
    title: `fim-lsp: API key for ${backend}`,
    prompt: "It is kept in VS Code's secret storage.",
    password: true,
    ignoreFocusOut: true,
    validateInput: (value) => (/^[\x21-\x7e]+$/.test(value.trim()) ? undefined : 'A key consists of ASCII characters without spaces.'),
  });
  const key = typed?.trim();
  if (!key) {
    return undefined;
  }
  await keys.set(backend, key);
  return { backend, key };
}

/** Offer to use a back end whose key has just been stored, if another one is in use. */
export async function offerToUse(keys: Keys, backend: string, chosen: string | undefined): Promise<void> {
  if (chosen === backend || ((chosen ?? 'auto') === 'auto' && (await keys.held())[0] === backend)) {
    return;
  }
  const use = `Use ${backend}`;
  const text = `fim-lsp: The key is stored for ${backend}, which is not the back end in use.`;
  if ((await vscode.window.showInformationMessage(text, use)) === use) {
    await useBackend(backend);
  }
}

/** Ask which back end's key to remove. */
export async function forgetKey(keys: Keys): Promise<void> {
  const held = await keys.held();
  if (!held.length) {
    void vscode.window.showInformationMessage('fim-lsp: No API key is stored.');
    return;
  }
  const backend = await vscode.window.showQuickPick(held, { title: 'fim-lsp: Which service is the key to remove for?' });
  if (backend) {
    await keys.remove(backend);
  }
}

/** Ask for a back end, and make it the user's setting. `chosen` is the one that is set. */
export async function pickBackend(keys: Keys, names: readonly string[], chosen: string): Promise<void> {
  const held = await keys.held();
  const rows = names.map((name) => {
    const host = HOLDERS.find((holder) => holder.name === name)?.host ?? '';
    const facts = [ABOUT[name] ?? host, held.includes(name) ? 'a key is stored' : ''];
    return { label: `${name === chosen ? '$(check)' : '$(blank)'} ${name}`, description: facts.filter(Boolean).join(' · '), name };
  });
  const picked = await vscode.window.showQuickPick(rows, { title: 'fim-lsp: Where should suggestions come from?' });
  if (picked) {
    await useBackend(picked.name);
  }
}

async function useBackend(name: string): Promise<void> {
  const settings = vscode.workspace.getConfiguration('fim-lsp');
  await settings.update('backend', name, vscode.ConfigurationTarget.Global);
  if (name === 'openai' && !settings.inspect('base_url')?.globalValue) {
    await vscode.commands.executeCommand('workbench.action.openSettings', 'fim-lsp.base_url');
  }
}

/** Ask for a model of this session: an id, null for the one in the settings, or undefined for no change. */
export async function pickModel(models: readonly string[], current: string): Promise<string | null | undefined> {
  const mark = (name: string): string => `${name === current ? '$(check)' : '$(blank)'} ${name}`;
  const known = models.includes(current) || !current ? models : [current, ...models];
  const rows: (vscode.QuickPickItem & { id?: string | null })[] = [
    ...known.map((id) => ({ label: mark(id), id })),
    { label: '', kind: vscode.QuickPickItemKind.Separator },
    { label: '$(gear) The one in the settings', id: null },
    { label: '$(edit) Another one…' },
  ];
  const picked = await vscode.window.showQuickPick(rows, { title: 'fim-lsp: Model for this window, until the server restarts' });
  if (!picked || picked.id !== undefined) {
    return picked?.id;
  }
  const typed = await vscode.window.showInputBox({ title: "fim-lsp: The model's id", value: current });
  return typed?.trim() || undefined;
}

function plural(hours: number): string {
  return hours === 1 ? '1 hour' : `${hours} hours`;
}
