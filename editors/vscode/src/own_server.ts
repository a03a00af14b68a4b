import * as fs from 'node:fs';
import * as path from 'node:path';
import type { CancellationToken } from 'vscode';
import { lookUp, type Machine, type Program } from './find';
import {
  isUsable,
  PROBE,
  pythonIn,
  pythons,
  readPython,
  reasonOf,
  stepsOfPython,
  stepsOfUv,
  whyNone,
  type Step,
} from './install_plan';
import { run } from './run';

const COMPLETE = 'complete'; // a file, written when all is installed
const PREFIX = 'server-';

/** The installation did not succeed; the message is a sentence for the user. */
export class InstallError extends Error {}

/** The user has cancelled it. */
export class Cancelled extends InstallError {}

/**
 * The server in the extension's own folder, a virtual environment made from the sources that the extension brings.
 *
 * Each installation has a folder of its own, so that a window never removes what another one runs.
 */
export class OwnServer {
  private readonly version: string;

  /** `source` are the sources, `home` is the folder for the installations. */
  constructor(
    private readonly source: string,
    private readonly home: string,
    private readonly machine: Machine,
  ) {
    this.version = read(path.join(source, 'version')) ?? 'none';
  }

  /** Whether the extension brings the sources; a checkout that was not packaged has none. */
  get canInstall(): boolean {
    return this.version !== 'none';
  }

  /** The program, and whether it was made from the sources of now. */
  find(): { program: Program; isCurrent: boolean } | undefined {
    const installed = this.folders().filter((folder) => fs.existsSync(path.join(folder, COMPLETE)));
    const current = installed.find((folder) => read(path.join(folder, COMPLETE)) === this.version);
    const folder = current ?? installed[0];
    if (!folder) {
      return undefined;
    }
    // Isolated: PYTHONPATH and the like are meant for the user's own programs.
    const program = { command: pythonIn(folder, this.machine.platform), args: ['-I', '-m', 'fim_lsp'] };
    return { program: { ...program, origin: "in the extension's folder" }, isCurrent: folder === current };
  }

  /** Install the server. `onStep` hears what is being done, `onLine` each line that the programs print. */
  async install(token: CancellationToken, onStep: (does: string) => void, onLine: (line: string) => void): Promise<void> {
    fs.mkdirSync(this.home, { recursive: true });
    const target = fs.mkdtempSync(path.join(this.home, PREFIX));
    try {
      for (const step of await this.steps(target)) {
        onStep(step.does);
        await this.take(step, token, onLine);
      }
      fs.writeFileSync(path.join(target, COMPLETE), this.version);
    } catch (error) {
      fs.rmSync(target, { recursive: true, force: true });
      throw error;
    }
  }

  /** Remove installations that were made from older sources, once a current one runs. */
  removeOthers(): void {
    for (const folder of this.folders()) {
      const made = read(path.join(folder, COMPLETE));
      if (made !== undefined && made !== this.version) {
        fs.rmSync(folder, { recursive: true, force: true });
      }
    }
  }

  private async take({ command, args }: Step, token: CancellationToken, onLine: (line: string) => void): Promise<void> {
    onLine(`> ${[command, ...args].join(' ')}`);
    const { code, printed } = await run(command, args, { cwd: this.home, token, onLine }).catch((error: unknown) => {
      throw new InstallError(`${command} could not be started: ${String(error)}.`);
    });
    if (code !== 0 && !token.isCancellationRequested) {
      throw new InstallError(reasonOf(printed));
    }
    if (token.isCancellationRequested) {
      throw new Cancelled('The installation was cancelled.');
    }
  }

  private async steps(target: string): Promise<Step[]> {
    const uv = lookUp('uv', this.machine);
    if (uv) {
      return stepsOfUv(uv, this.source, target, this.machine.platform);
    }
    const found = [];
    for (const file of pythons(this.machine)) {
      const probed = await run(file, ['-I', '-c', PROBE], { cwd: this.home }).catch(() => ({ printed: [] }));
      const python = readPython(file, probed.printed.join('\n'));
      if (isUsable(python)) {
        return stepsOfPython(file, this.source, target, this.machine.platform);
      }
      found.push(python);
    }
    throw new InstallError(whyNone(found));
  }

  private folders(): string[] {
    const names = fs.existsSync(this.home) ? fs.readdirSync(this.home) : [];
    return names.filter((name) => name.startsWith(PREFIX)).map((name) => path.join(this.home, name));
  }
}

function read(file: string): string | undefined {
  try {
    return fs.readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
