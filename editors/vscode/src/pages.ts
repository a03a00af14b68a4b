import * as vscode from 'vscode';

export const SCHEME = 'fim-lsp';
const LANGUAGE = 'fim-lsp-page'; // whose lines are wrapped, as the manifest says

/** Read-only pages with what the server explains. They contain none of the user's text. */
export class Pages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<vscode.Uri>();
  private readonly texts = new Map<string, string>();
  readonly onDidChange = this.emitter.event;
  // After the event: VS Code looks for it when the provider is registered, and never again.
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.path) ?? '';
  }

  /** Open or update a page: in place of the text, or if the user may be typing by now, beside it. */
  async show(name: string, lines: readonly string[], beside: boolean): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `fim-lsp: ${name}` });
    this.texts.set(uri.path, [...lines, ''].join('\n'));
    this.emitter.fire(uri);
    const document = await vscode.languages.setTextDocumentLanguage(await vscode.workspace.openTextDocument(uri), LANGUAGE);
    const viewColumn = beside ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active;
    await vscode.window.showTextDocument(document, { preview: true, preserveFocus: beside, viewColumn });
  }

  dispose(): void {
    this.registration.dispose();
    this.emitter.dispose();
  }
}

/** The lines of an answer: a list of them, or an object that has one. Undefined if there is no answer. */
export function linesOf(answer: unknown): string[] | undefined {
  const lines = typeof answer === 'object' && answer !== null && 'lines' in answer ? answer.lines : answer;
  return Array.isArray(lines) ? lines.map(String) : undefined;
}
