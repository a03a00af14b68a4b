import * as vscode from 'vscode';

const SCHEME = 'fim-lsp-why';
const URI = vscode.Uri.from({ scheme: SCHEME, path: 'fim-lsp: why' });

/** A read-only page: the state, and what the server says of its last answers. It holds no text of the user's. */
export class Why implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly emitter = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  private text = '';
  readonly onDidChange = this.emitter.event;

  provideTextDocumentContent(): string {
    return this.text;
  }

  /** Open the page, or bring it up to date. */
  async show(state: readonly string[], answers: unknown): Promise<void> {
    const lines = Array.isArray(answers) ? answers.map(String) : ['This server does not tell.'];
    this.text = [...state, '', 'Last answers', ...(lines.length ? lines : ['none yet']), ''].join('\n');
    this.emitter.fire(URI);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(URI), { preview: true });
  }

  dispose(): void {
    this.registration.dispose();
    this.emitter.dispose();
  }
}
