import * as vscode from 'vscode';
import type { Program } from './find';
import { run } from './run';

const AGAIN = 'Set API Key';

/**
 * Ask the service whether it accepts a key, and say so. The server's own program asks; it reads the key from its input, which
 * no other program sees.
 */
export async function testKey(program: Program, host: string, key: string, cwd: string): Promise<void> {
  const options = { location: vscode.ProgressLocation.Window, title: `fim-lsp: testing the key for ${host}` };
  const ended = await vscode.window.withProgress(options, () =>
    run(program.command, [...program.args, 'key', 'test', host, '-'], { cwd, input: `${key}\n` }).catch(() => undefined),
  );
  const sentence = ended?.printed.find((line) => line.trim()) ?? '';
  if (ended?.code === 0) {
    void vscode.window.showInformationMessage(`fim-lsp: ${sentence}`);
  } else if (ended?.code === 1 && sentence) {
    const pressed = await vscode.window.showWarningMessage(`fim-lsp: ${sentence}`, AGAIN);
    if (pressed === AGAIN) {
      await vscode.commands.executeCommand('fim-lsp.setKey');
    }
  } else {
    void vscode.window.showInformationMessage(`fim-lsp: The key for ${host} is stored; it could not be tested.`);
  }
}
