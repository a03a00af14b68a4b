import * as vscode from 'vscode';
import { MessageType } from 'vscode-languageclient/node';

const SET_KEY = 'Set API Key';

/** Show a message of the server's. `needsKey`: the server's state is that a key is missing or refused. */
export async function showMessage(sent: unknown, needsKey: boolean): Promise<void> {
  const { message, type } = typeof sent === 'object' && sent !== null ? (sent as Record<string, unknown>) : {};
  if (typeof message !== 'string') {
    return;
  }
  const isTrouble = type === MessageType.Error || type === MessageType.Warning;
  const buttons = isTrouble && needsKey ? [SET_KEY] : [];
  const pressed = await shownBy(type)(message, ...buttons);
  if (pressed === SET_KEY) {
    await vscode.commands.executeCommand('fim-lsp.setKey');
  }
}

function shownBy(type: unknown): (message: string, ...buttons: string[]) => Thenable<string | undefined> {
  switch (type) {
    case MessageType.Error:
      return vscode.window.showErrorMessage;
    case MessageType.Warning:
      return vscode.window.showWarningMessage;
    default:
      return vscode.window.showInformationMessage;
  }
}
