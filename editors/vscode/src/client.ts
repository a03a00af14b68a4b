import * as vscode from 'vscode';
import { ExecuteCommandRequest, LanguageClient } from 'vscode-languageclient/node';

type Feature = Parameters<LanguageClient['registerFeature']>[0];

/**
 * A client that logs its own errors without pop-ups: the server and `Server.fail` report what the user should know.
 *
 * vscode-languageclient registers each command of the server under its own name, and fails to start if that name is taken.
 * The extension has commands of the same names, with a page or a dialog of their own; these are not registered again.
 */
export class QuietClient extends LanguageClient {
  private stopping = false;

  /** A message that was under way when the connection ended is no error. */
  override error(message: string, data?: unknown): void {
    if (this.stopping) {
      this.info(`while stopping: ${message}`, data, false);
    } else {
      super.error(message, data, false);
    }
  }

  override stop(timeout?: number): Promise<void> {
    this.stopping = true;
    return super.stop(timeout);
  }

  override registerFeature(feature: Feature): void {
    if ('registrationType' in feature && feature.registrationType.method === ExecuteCommandRequest.method) {
      leaveOut(feature, declaredCommands());
    }
    super.registerFeature(feature);
  }
}

/** Hide commands of the server from a feature. */
function leaveOut(feature: Feature, names: ReadonlySet<string>): void {
  const initialize = feature.initialize.bind(feature);
  feature.initialize = (capabilities, selector) => {
    const provider = capabilities.executeCommandProvider;
    const commands = provider?.commands.filter((name) => !names.has(name)) ?? [];
    initialize(provider ? { ...capabilities, executeCommandProvider: { ...provider, commands } } : capabilities, selector);
  };
}

function declaredCommands(): ReadonlySet<string> {
  const { packageJSON } = vscode.extensions.getExtension('fim-lsp.fim-lsp') ?? {};
  const declared: { command: string }[] = packageJSON?.contributes.commands ?? [];
  return new Set(declared.map(({ command }) => command));
}
