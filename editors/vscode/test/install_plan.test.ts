import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isUsable, pythons, readPython, reasonOf, stepsOfPython, stepsOfUv, whyNone } from '../src/install_plan';

const files = ['/usr/bin/python3', '/opt/bin/python3.12'];
const machine = {
  platform: 'linux' as const,
  env: { PATH: '/usr/bin:/opt/bin' },
  home: '/home/me',
  isProgram: (file: string) => files.includes(file),
};

test('the newest Python goes first', () => {
  assert.deepEqual(pythons(machine), ['/opt/bin/python3.12', '/usr/bin/python3']);
});

test('a Python must be recent and able to make virtual environments', () => {
  assert.equal(isUsable(readPython('python3', '3 11\nvenv\n')), true);
  assert.equal(isUsable(readPython('python3', '3 10\nvenv\n')), false);
  assert.equal(isUsable(readPython('python3', 'Traceback\n3 13\nModuleNotFoundError: ensurepip\n')), false);
  assert.equal(isUsable(readPython('python3', '')), false);
});

test('why none of them will do', () => {
  const old = readPython('/usr/bin/python3', '3 9\nvenv');
  const bare = readPython('/usr/bin/python3.12', '3 12\nModuleNotFoundError');
  assert.match(whyNone([]), /^No Python was found, and the server needs Python 3\.11 or newer/);
  assert.match(whyNone([old]), /^\/usr\/bin\/python3 is Python 3\.9, and the server needs/);
  assert.match(whyNone([old, bare]), /^Python 3\.12 has no venv module.*python3\.12-venv/);
});

test('the steps install from the folder of the sources', () => {
  for (const steps of [stepsOfUv('/bin/uv', '/ext/server', '/home/t', 'linux'), stepsOfPython('/bin/python3', '/ext/server', '/home/t', 'linux')]) {
    assert.equal(steps.length, 2);
    assert.equal(steps[1]?.args.at(-1), '/ext/server');
    assert.ok([steps[1]?.command, ...(steps[1]?.args ?? [])].includes('/home/t/bin/python'));
  }
  assert.equal(stepsOfPython('py', 's', 'C:\\t', 'win32')[1]?.command, 'C:\\t\\Scripts\\python.exe');
});

test('a failure is one sentence', () => {
  const network = 'The libraries could not be downloaded: check the network, the proxy and its certificates.';
  assert.equal(reasonOf(['WARNING: Retrying … NewConnectionError(…)', 'ERROR: No matching distribution found for hatchling']), network);
  assert.equal(reasonOf(['error: Failed to fetch: `https://…`']), network);
  assert.equal(reasonOf(['ERROR: Could not install packages: [Errno 28] No space left on device']), 'The disk is full.');
  assert.equal(reasonOf(['x', 'ERROR: No wheel']), 'The installation failed: No wheel.');
  assert.equal(reasonOf([]), 'The installation failed.');
});
