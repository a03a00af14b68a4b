import assert from 'node:assert/strict';
import { test } from 'node:test';
import { received, shown, status } from '../src/state';

test('a status as the server sends it', () => {
  const sent = { state: 'paused', reason: 'too many requests', backend: 'codestral', model: 'm', host: 'h' };
  assert.deepEqual(received(sent), sent);
  assert.deepEqual(shown(received(sent), undefined), {
    text: '$(debug-pause) fim-lsp',
    tooltip: ['fim-lsp: paused, too many requests', 'codestral · m · h'],
  });
});

test('odd statuses do no harm', () => {
  for (const sent of [null, undefined, 7, 'ready', [], {}, { state: 'constructor', reason: 4 }]) {
    assert.deepEqual(received(sent), status('ready'));
  }
});

test("the user's own switch is what is shown", () => {
  const { text, tooltip } = shown(status('ready', 'waiting'), 'turned off');
  assert.equal(text, '$(circle-slash) fim-lsp');
  assert.deepEqual(tooltip, ['fim-lsp: off, turned off', 'waiting']);
});

test('trouble is never hidden', () => {
  const { text, tooltip } = shown(status('trouble', 'the key is refused'), 'turned off');
  assert.equal(text, '$(warning) fim-lsp');
  assert.deepEqual(tooltip, ['fim-lsp: trouble, turned off', 'the key is refused']);
});
