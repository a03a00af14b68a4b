import { spawn } from 'node:child_process';
import * as readline from 'node:readline';
import type { CancellationToken } from 'vscode';

/** How a program has ended. `printed` are the last lines of both of its outputs. */
export interface Ended {
  readonly code: number | null;
  readonly printed: readonly string[];
}

export interface RunOptions {
  readonly cwd: string;
  /** Ends the program, with all that it has started. */
  readonly token?: CancellationToken;
  /** Hears of each line. */
  readonly onLine?: (line: string) => void;
  /** For standard input, which is empty otherwise. */
  readonly input?: string;
}

const KEPT = 40; // lines

/** Run a program to its end. Rejects if it can't be started. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: options.cwd, detached: process.platform !== 'win32', windowsHide: true });
    const printed: string[] = [];
    for (const input of [child.stdout, child.stderr]) {
      readline.createInterface({ input }).on('line', (line) => {
        printed.push(line);
        printed.splice(0, printed.length - KEPT);
        options.onLine?.(line);
      });
    }
    const cancelling = options.token?.onCancellationRequested(() => end(child.pid));
    child.on('error', reject);
    child.on('close', (code) => {
      cancelling?.dispose();
      resolve({ code, printed });
    });
    child.stdin.on('error', () => undefined); // it has ended without reading
    child.stdin.end(options.input ?? '');
  });
}

/** End a program and its children: on Windows there are no process groups, but a command that follows the tree. */
function end(pid: number | undefined): void {
  if (pid === undefined) {
    return;
  }
  if (process.platform === 'win32') {
    spawn('taskkill', ['/pid', String(pid), '/T', '/F'], { windowsHide: true }).on('error', () => undefined);
    return;
  }
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // it has just ended
  }
}
