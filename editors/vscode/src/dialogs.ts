import * as vscode from 'vscode';
import { HOLDERS, type Keys } from './keys';

const MINUTES = [5, 15, 60, 480];

/** How long to snooze, in minutes; 0 ends a snooze, undefined changes nothing. */
export async function askMinutes(snoozing: boolean): Promise<number | undefined> {
  const rows = MINUTES.map((minutes) => ({ label: minutes < 60 ? `${minutes} minutes` : plural(minutes / 60), minutes }));
  const all = snoozing ? [{ label: 'Wake up now', minutes: 0 }, ...rows] : rows;
  return (await vscode.window.showQuickPick(all, { title: 'fim-lsp: no suggestions for' }))?.minutes;
}

/** Ask for a back end and its key, and store the key. A key is sent to its back end only. */
export async function askKey(keys: Keys, chosen: string | undefined): Promise<void> {
  const rows = HOLDERS.map(({ name, host }) => ({ label: name, description: host }));
  const backend = (await vscode.window.showQuickPick(rows, { title: 'fim-lsp: key for which back end?' }))?.label;
  if (!backend) {
    return;
  }
  const key = await vscode.window.showInputBox({
    title: `fim-lsp: API key for ${backend}`,
    password: true,
    ignoreFocusOut: true,
    validateInput: (value) => (/^[\x21-\x7e]+$/.test(value.trim()) ? undefined : 'A key consists of ASCII characters without spaces.'),
  });
  if (!key) {
    return;
  }
  await keys.set(backend, key.trim());
  if (chosen !== backend && !((chosen ?? 'auto') === 'auto' && (await keys.held())[0] === backend)) {
    await offer(backend);
  }
}

/** Ask which back end's key to remove. */
export async function forgetKey(keys: Keys): Promise<void> {
  const held = await keys.held();
  if (!held.length) {
    void vscode.window.showInformationMessage('fim-lsp: no key is stored in VS Code.');
    return;
  }
  const backend = await vscode.window.showQuickPick(held, { title: 'fim-lsp: remove the key for which back end?' });
  if (backend) {
    await keys.remove(backend);
  }
}

async function offer(backend: string): Promise<void> {
  const use = `Use ${backend}`;
  const text = `fim-lsp: the key is stored for ${backend}, which is not the back end in use.`;
  if ((await vscode.window.showInformationMessage(text, use)) === use) {
    const settings = vscode.workspace.getConfiguration('fim-lsp');
    await settings.update('backend', backend, vscode.ConfigurationTarget.Global);
  }
}

function plural(hours: number): string {
  return hours === 1 ? '1 hour' : `${hours} hours`;
}
