import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, received, shown, status, usageOf } from '../src/state';

const LIMITED = { state: 'limited', reason: 'the quota is used up until 14:05', backend: 'codestral', model: 'm', host: 'h' };

test('a status as the server sends it', () => {
  const sent = received({ ...LIMITED, until: 1_900_000_000 });
  assert.deepEqual(sent, { ...LIMITED, until: 1_900_000_000_000 });
  assert.deepEqual(shown(sent, undefined), {
    text: `$(debug-pause) fim-lsp ${clock(1_900_000_000_000)}`,
    tooltip: ['fim-lsp: limited, the quota is used up until 14:05', 'codestral · m · h'],
  });
  assert.deepEqual(received({ ...LIMITED, until: null }), LIMITED);
});

test('odd statuses do no harm', () => {
  for (const sent of [null, undefined, 7, 'idle', [], {}, { state: 'constructor', reason: 4, until: '14:05' }]) {
    assert.deepEqual(received(sent), status('idle'));
  }
});

test('a status says that the key is missing or refused', () => {
  assert.equal(received({ ...LIMITED, state: 'failing', needsKey: true }).needsKey, true);
  assert.equal('needsKey' in received({ ...LIMITED, needsKey: 'yes' }), false);
});

test('usage is shown in short', () => {
  const text = (usage: unknown): string => shown(status('idle'), undefined, usageOf({ usage })).text;
  assert.equal(text({ latency: 421.4, tokens: 12_345 }), '$(sparkle) fim-lsp 421 ms · 12.3k tokens');
  assert.equal(text({ latency: 1_260, tokens: 999 }), '$(sparkle) fim-lsp 1.3 s · 999 tokens');
  assert.equal(text({ latency: null, tokens: 1_250_000 }), '$(sparkle) fim-lsp 1.3M tokens');
  for (const odd of [undefined, null, 7, {}, { tokens: '9' }]) {
    assert.equal(text(odd), '$(sparkle) fim-lsp');
  }
});

test("the user's own switch is what is shown", () => {
  const { text, tooltip } = shown(status('idle', 'ready'), status('disabled', 'turned off'));
  assert.equal(text, '$(circle-slash) fim-lsp');
  assert.deepEqual(tooltip, ['fim-lsp: disabled, turned off', 'ready']);
});

test('a failure is never hidden', () => {
  const { text, tooltip } = shown(status('failing', 'the key is refused'), status('snoozed', 'until 14:05', 1));
  assert.equal(text, '$(warning) fim-lsp');
  assert.deepEqual(tooltip, ['fim-lsp: failing, until 14:05', 'the key is refused']);
});
