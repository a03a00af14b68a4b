import * as vscode from 'vscode';

const SCHEME = 'fim-lsp-why';
const URI = vscode.Uri.from({ scheme: SCHEME, path: 'fim-lsp: why' });

/** A read-only page with the state and the explanation of the last answers. It contains none of the user's text. */
export class Why implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  private text = '';
  readonly onDidChange = this.emitter.event;

  provideTextDocumentContent(): string {
    return this.text;
  }

  /** Open or update the page. */
  async show(state: readonly string[], answers: unknown): Promise<void> {
    const lines = Array.isArray(answers) ? answers.map(String) : ['This server does not explain its answers.'];
    this.text = [...state, '', 'Last answers', ...(lines.length ? lines : ['none yet']), ''].join('\n');
    this.emitter.fire(URI);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(URI), { preview: true });
  }

  dispose(): void {
    this.registration.dispose();
    this.emitter.dispose();
  }
}
