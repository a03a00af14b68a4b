import * as vscode from 'vscode';
import { HOLDERS, type Keys } from './keys';

const MINUTES = [5, 15, 60, 480];

/** How long to be silent, in minutes; 0 ends a snooze, undefined leaves all as it is. */
export async function askMinutes(snoozing: boolean): Promise<number | undefined> {
  const rows = MINUTES.map((minutes) => ({ label: minutes < 60 ? `${minutes} minutes` : plural(minutes / 60), minutes }));
  const all = snoozing ? [{ label: 'Wake up now', minutes: 0 }, ...rows] : rows;
  return (await vscode.window.showQuickPick(all, { title: 'fim-lsp: no suggestions for' }))?.minutes;
}

/** Ask for a back end and its key, and keep it. A key belongs to one back end and goes to no other. */
export async function askKey(keys: Keys, chosen: string | undefined): Promise<void> {
  const rows = HOLDERS.map(({ name, host }) => ({ label: name, description: host }));
  const backend = (await vscode.window.showQuickPick(rows, { title: 'fim-lsp: whose key?' }))?.label;
  if (!backend) {
    return;
  }
  const key = await vscode.window.showInputBox({
    title: `fim-lsp: API key for ${backend}`,
    password: true,
    ignoreFocusOut: true,
    validateInput: (value) => (/^[\x21-\x7e]+$/.test(value.trim()) ? undefined : 'A key has letters, digits and signs only.'),
  });
  if (!key) {
    return;
  }
  await keys.set(backend, key.trim());
  if (chosen !== backend && !((chosen ?? 'auto') === 'auto' && (await keys.held())[0] === backend)) {
    await offer(backend);
  }
}

/** Ask whose key to forget. */
export async function forgetKey(keys: Keys): Promise<void> {
  const held = await keys.held();
  if (!held.length) {
    void vscode.window.showInformationMessage('fim-lsp: VS Code keeps no key for it.');
    return;
  }
  const backend = await vscode.window.showQuickPick(held, { title: 'fim-lsp: remove whose key?' });
  if (backend) {
    await keys.remove(backend);
  }
}

async function offer(backend: string): Promise<void> {
  const use = `Use ${backend}`;
  const text = `fim-lsp: the key is kept for ${backend}, which is not the back end in use.`;
  if ((await vscode.window.showInformationMessage(text, use)) === use) {
    const settings = vscode.workspace.getConfiguration('fim-lsp');
    await settings.update('backend', backend, vscode.ConfigurationTarget.Global);
  }
}

function plural(hours: number): string {
  return hours === 1 ? '1 hour' : `${hours} hours`;
}
