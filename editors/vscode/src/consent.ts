import * as vscode from 'vscode';

const SLOT = 'uvx';
const DOWNLOAD = 'Download and Run';
const HOW = 'How to Install';

/** Whether the user has allowed `uvx` to download the server. */
export function mayDownload(store: vscode.Memento): boolean {
  return store.get<boolean>(SLOT) === true;
}

/** Ask for that once; with `again`, also a user who has said no. */
export async function askToDownload(store: vscode.Memento, again: boolean): Promise<boolean> {
  if (store.get<boolean>(SLOT) === false && !again) {
    return false;
  }
  const text = 'fim-lsp is not installed. uvx can download it from PyPI and run it.';
  const pressed = await vscode.window.showInformationMessage(text, DOWNLOAD, HOW);
  await store.update(SLOT, pressed === DOWNLOAD);
  if (pressed === HOW) {
    showPage();
  }
  return pressed === DOWNLOAD;
}

/** Report that there is nothing to start. */
export function tellMissing(): void {
  const text = 'fim-lsp is not installed, and uvx was not found to download it.';
  void vscode.window.showWarningMessage(text, HOW).then((pressed) => pressed && showPage());
}

function showPage(): void {
  void vscode.commands.executeCommand('extension.open', 'fim-lsp.fim-lsp');
}
