import * as path from 'node:path';

/** A program to start, and where it was found. */
export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  readonly origin: 'in the setting fim-lsp.command' | 'on PATH' | "in the extension's folder";
}

/** The environment that is searched: the machine's, or a test's. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  isProgram(file: string): boolean;
}

/** The server: the program in the setting, otherwise `fim-lsp` on PATH. Undefined if there is none. */
export function findServer(setting: readonly string[], machine: Machine): Program | undefined {
  const [command, ...args] = setting;
  if (command) {
    return { command: lookUp(command, machine) ?? command, args, origin: 'in the setting fim-lsp.command' };
  }
  const found = lookUp('fim-lsp', machine);
  return found ? { command: found, args: [], origin: 'on PATH' } : undefined;
}

/** The file of a command. Relative folders in PATH are ignored: they would lead into the workspace. */
export function lookUp(command: string, machine: Machine): string | undefined {
  const { join, isAbsolute } = machine.platform === 'win32' ? path.win32 : path.posix;
  if (command.startsWith('~/')) {
    return join(machine.home, command.slice(2));
  }
  if (/[/\\]/.test(command)) {
    return undefined;
  }
  // Only what can be started without a shell: pipx and uv make .exe files.
  const names = machine.platform === 'win32' && !/\.exe$/i.test(command) ? [`${command}.exe`] : [command];
  return folders(machine)
    .filter((folder) => isAbsolute(folder))
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((file) => machine.isProgram(file));
}

/** PATH, then where pipx, uv and Homebrew put programs: an editor started from the desktop lacks the shell's PATH. */
function folders(machine: Machine): string[] {
  const { delimiter, join } = machine.platform === 'win32' ? path.win32 : path.posix;
  const listed = (machine.env['PATH'] ?? machine.env['Path'] ?? '').split(delimiter);
  const usual = [join(machine.home, '.local', 'bin'), join(machine.home, '.cargo', 'bin')];
  return [...listed, ...usual, ...(machine.platform === 'darwin' ? ['/opt/homebrew/bin', '/usr/local/bin'] : [])];
}
