import * as vscode from 'vscode';
import type { LanguageClient, Middleware } from 'vscode-languageclient/node';

/** The parameters of `fim-lsp/suggestionReady`: where there is a suggestion now, and in which version of the document. */
interface Ready {
  readonly textDocument: { readonly uri: string };
  readonly position: { readonly line: number; readonly character: number };
  readonly version: number;
}

/**
 * Shows suggestions that come after VS Code has stopped waiting: 750 ms after the last key it cancels its request, opens the
 * completion menu instead, and does not ask again. The server completes the call, and reports when its answer is there. The box for
 * a commit's message needs none of this: it has no such menu, and VS Code goes on waiting there.
 */
export class LateAnswers {
  private byHand = false; // the last request was made by hand
  private expected: vscode.Position | undefined; // where a request is being repeated

  /** The same middleware, which repeats a request as what it was: VS Code marks one that an extension makes as made by hand. */
  wrap(middleware: Middleware): Middleware {
    const inner = middleware.provideInlineCompletionItems;
    return {
      ...middleware,
      provideInlineCompletionItems: (document, position, context, token, next) => {
        if (this.expected && !this.expected.isEqual(position)) {
          return []; // the cursor has just moved: nobody has asked here
        }
        this.byHand = this.expected ? this.byHand : context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
        const made = this.byHand ? context : { ...context, triggerKind: vscode.InlineCompletionTriggerKind.Automatic };
        return inner ? inner(document, position, made, token, next) : next(document, position, made, token);
      },
    };
  }

  /** Ask a client's server for the late answer. */
  listen(client: LanguageClient): void {
    client.onNotification('fim-lsp/suggestionReady', async ({ textDocument, position, version }: Ready) => {
      const editor = vscode.window.activeTextEditor;
      const uri = editor && client.code2ProtocolConverter.asUri(editor.document.uri);
      const place = new vscode.Position(position.line, position.character);
      const isThere = editor?.selection.isEmpty && editor.selection.active.isEqual(place);
      if (uri !== textDocument.uri || editor?.document.version !== version || !isThere) {
        return;
      }
      this.expected = place;
      try {
        await vscode.commands.executeCommand('editor.action.inlineSuggest.trigger');
      } finally {
        this.expected = undefined;
      }
    });
  }
}
