import * as path from 'node:path';
import { lookUp, type Machine } from './find';

/** The oldest Python that runs the server. */
export const OLDEST = [3, 11] as const;

/** One program to run, and what it does, for the progress message. */
export interface Step {
  readonly command: string;
  readonly args: readonly string[];
  readonly does: string;
}

/** What a Python has said about itself: its version, and whether it can make virtual environments with pip. */
export interface Python {
  readonly file: string;
  readonly version: readonly [number, number] | undefined;
  readonly makesVenvs: boolean;
}

/** Prints what `readPython` reads. */
export const PROBE = `
import sys
print(*sys.version_info[:2])
import venv, ensurepip
print("venv")
`;

/** The Pythons of this machine that may do, the newest first. */
export function pythons(machine: Machine): string[] {
  const names = ['python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3', 'python'];
  return [...new Set(names.flatMap((name) => lookUp(name, machine) ?? []))];
}

/** What a Python has printed of PROBE. */
export function readPython(file: string, printed: string): Python {
  const lines = printed.split(/\r?\n/); // with those of an error in between
  const found = lines.map((line) => /^(\d+) (\d+)$/.exec(line)).find((match) => match);
  const version = found ? ([Number(found[1]), Number(found[2])] as const) : undefined;
  return { file, version, makesVenvs: lines.includes('venv') };
}

/** Whether a Python runs the server and can install it. */
export function isUsable({ version, makesVenvs }: Python): boolean {
  return isRecent(version) && makesVenvs;
}

/** With uv, which fetches a Python if there is none. */
export function stepsOfUv(uv: string, source: string, target: string, platform: NodeJS.Platform): Step[] {
  const python = pythonIn(target, platform);
  return [
    {
      command: uv,
      args: ['venv', '--no-project', '--no-config', '--python', `>=${OLDEST.join('.')}`, target],
      does: 'making a virtual environment',
    },
    {
      command: uv,
      args: ['pip', 'install', '--python', python, '--no-progress', source],
      does: 'downloading the libraries and installing',
    },
  ];
}

/** With a Python's own venv and pip. */
export function stepsOfPython(python: string, source: string, target: string, platform: NodeJS.Platform): Step[] {
  return [
    { command: python, args: ['-I', '-m', 'venv', '--clear', target], does: 'making a virtual environment' },
    {
      command: pythonIn(target, platform),
      args: ['-I', '-m', 'pip', 'install', '--no-input', '--disable-pip-version-check', '--progress-bar', 'off', source],
      does: 'downloading the libraries and installing',
    },
  ];
}

/** The Python of a virtual environment. */
export function pythonIn(target: string, platform: NodeJS.Platform): string {
  return platform === 'win32' ? path.win32.join(target, 'Scripts', 'python.exe') : path.posix.join(target, 'bin', 'python');
}

/** Why none of the Pythons will do, as a sentence for the user: the one that comes closest counts. */
export function whyNone(found: readonly Python[]): string {
  const noVenv = found.find(({ version }) => isRecent(version));
  if (noVenv?.version) {
    const number = noVenv.version.join('.');
    return (
      `Python ${number} has no venv module, which the installation needs: install it (on Debian and Ubuntu: ` +
      `sudo apt install python${number}-venv), or install uv.`
    );
  }
  const old = found.find(({ version }) => version !== undefined);
  const what = old?.version ? `${old.file} is Python ${old.version.join('.')}` : 'No Python was found';
  return `${what}, and the server needs Python ${OLDEST.join('.')} or newer: install it, or install uv.`;
}

const NETWORK = new RegExp(
  'name resolution|Name or service not known|NewConnectionError|Failed to establish|ConnectTimeout|Network is unreachable|' +
    'ProxyError|CERTIFICATE_VERIFY_FAILED|dns error|error sending request|Failed to fetch',
  'i',
);

/** What a failed installation means, from what the program has printed. */
export function reasonOf(printed: readonly string[]): string {
  const all = printed.join('\n');
  if (/No space left on device|not enough space/i.test(all)) {
    return 'The disk is full.';
  }
  if (NETWORK.test(all)) {
    return 'The libraries could not be downloaded: check the network, the proxy and its certificates.';
  }
  const errors = printed.filter((line) => /^(ERROR|error):? /.test(line));
  const said = (errors[0] ?? printed.at(-1) ?? '').replace(/^(ERROR|error):? /, '').trim();
  return said ? `The installation failed: ${said.slice(0, 200)}${/[.!?]$/.test(said) ? '' : '.'}` : 'The installation failed.';
}

function isRecent(version: Python['version']): boolean {
  return version !== undefined && (version[0] > OLDEST[0] || (version[0] === OLDEST[0] && version[1] >= OLDEST[1]));
}
