import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ALL_ON, languageToggled, silence, snoozed, toggled, turned } from '../src/switches';

const NOW = Date.UTC(2030, 0, 1);

test('all is on at first', () => {
  assert.equal(silence(ALL_ON, 'python', NOW), undefined);
});

test('off and on again', () => {
  const off = toggled(ALL_ON, NOW);
  assert.equal(silence(off, 'python', NOW)?.reason, 'turned off in VS Code');
  assert.deepEqual(toggled(off, NOW), ALL_ON);
});

test('one language off leaves the others on', () => {
  const off = languageToggled(languageToggled(ALL_ON, 'rust'), 'go');
  assert.deepEqual(off.languages, ['go', 'rust']);
  assert.equal(silence(off, 'go', NOW)?.reason, 'turned off in VS Code for go');
  assert.equal(silence(off, 'python', NOW), undefined);
  assert.equal(silence(off, undefined, NOW), undefined);
  assert.deepEqual(languageToggled(off, 'go').languages, ['rust']);
});

test('one file off', () => {
  assert.match(silence(ALL_ON, 'go', NOW, true)?.reason ?? '', /for this file/);
  assert.equal(silence(ALL_ON, 'go', NOW, false), undefined);
});

test('on and off, whatever it was', () => {
  const off = turned(snoozed(ALL_ON, 5, NOW), false);
  assert.equal(silence(off, 'go', NOW)?.state, 'disabled');
  assert.deepEqual(turned(turned(off, true), true), ALL_ON);
});

test('a snooze ends by itself, by waking up and by toggling', () => {
  const asleep = snoozed(ALL_ON, 5, NOW);
  assert.equal(silence(asleep, 'python', NOW + 299_999)?.state, 'snoozed');
  assert.equal(silence(asleep, 'python', NOW)?.until, NOW + 300_000);
  assert.equal(silence(asleep, 'python', NOW + 300_000), undefined);
  assert.deepEqual(snoozed(asleep, 0, NOW), ALL_ON);
  assert.deepEqual(toggled(asleep, NOW), ALL_ON);
  assert.equal(toggled(asleep, NOW + 300_000).off, true);
});
