import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findServer, type Machine } from '../src/find';

function machine(files: string[], more: Partial<Machine> = {}): Machine {
  const env = { PATH: '/usr/bin:.:relative/bin:/opt/bin' };
  return { platform: 'linux', env, home: '/home/me', isProgram: (file) => files.includes(file), ...more };
}

test('the setting goes first, with its arguments', () => {
  const found = findServer(['/opt/fim-lsp', '--log-level', 'debug'], machine(['/usr/bin/fim-lsp']));
  assert.deepEqual(found, { command: '/opt/fim-lsp', args: ['--log-level', 'debug'], origin: 'in the setting fim-lsp.command' });
});

test("a setting's plain name is looked up, and stays if it isn't found", () => {
  assert.equal(findServer(['python3', '-m', 'fim_lsp'], machine(['/opt/bin/python3']))?.command, '/opt/bin/python3');
  assert.equal(findServer(['python3'], machine([]))?.command, 'python3');
});

test('a tilde is the home folder', () => {
  assert.equal(findServer(['~/bin/fim-lsp'], machine([]))?.command, '/home/me/bin/fim-lsp');
});

test('then PATH in its order, then the usual folders', () => {
  const both = machine(['/opt/bin/fim-lsp', '/usr/bin/fim-lsp']);
  assert.deepEqual(findServer([], both), { command: '/usr/bin/fim-lsp', args: [], origin: 'on PATH' });
  assert.equal(findServer([], machine(['/home/me/.local/bin/fim-lsp']))?.command, '/home/me/.local/bin/fim-lsp');
});

test('relative folders in PATH are not searched: they would lie in the workspace', () => {
  assert.equal(findServer([], machine(['./fim-lsp', 'fim-lsp', 'relative/bin/fim-lsp'])), undefined);
});

test('nothing is downloaded to find one', () => {
  assert.equal(findServer([], machine(['/home/me/.cargo/bin/uvx'])), undefined);
});

test('on Windows, programs that need no shell', () => {
  const files = ['C:\\Tools\\fim-lsp.cmd', 'D:\\Bin\\fim-lsp.exe'];
  const windows = machine(files, { platform: 'win32', env: { Path: 'C:\\Tools;D:\\Bin' }, home: 'C:\\Users\\me' });
  assert.equal(findServer([], windows)?.command, 'D:\\Bin\\fim-lsp.exe');
});
