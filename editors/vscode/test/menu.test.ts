import assert from 'node:assert/strict';
import { test } from 'node:test';
import { menuOf, type Row, type View } from '../src/menu';
import { status } from '../src/state';
import { ALL_ON } from '../src/switches';

const VIEW: View = {
  status: { ...status('idle'), backend: 'codestral', model: 'codestral-latest', host: 'codestral.mistral.ai' },
  own: undefined,
  switches: ALL_ON,
  language: 'python',
  isOffHere: false,
  isManual: false,
  hasServer: true,
  now: Date.UTC(2030, 0, 1),
};

function rows(more: Partial<View>): Row[] {
  return menuOf({ ...VIEW, ...more }).flatMap((group) => group.rows);
}

function row(command: string, more: Partial<View> = {}): Row | undefined {
  return rows(more).find((one) => one.command === command);
}

test('the first row is the state', () => {
  const [first] = rows({});
  assert.equal(first?.label, '$(sparkle) Idle');
  assert.equal(first?.description, 'codestral · codestral-latest · codestral.mistral.ai');
  const [off] = rows({ own: status('disabled', 'turned off in VS Code') });
  assert.deepEqual([off?.label, off?.detail], ['$(circle-slash) Disabled', 'turned off in VS Code']);
  const [failing] = rows({ status: status('failing', 'the key is refused'), own: status('snoozed', 'until 14:05') });
  assert.deepEqual([failing?.label, failing?.detail], ['$(warning) Failing', 'the key is refused']);
});

test('what is on has a tick', () => {
  assert.equal(row('toggle')?.label, '$(check) Everywhere');
  assert.equal(row('toggle', { switches: { ...ALL_ON, off: true } })?.label, '$(blank) Everywhere');
  assert.equal(row('toggleLanguage')?.label, '$(check) In python files');
  assert.equal(row('toggleLanguage', { switches: { ...ALL_ON, languages: ['python'] } })?.label, '$(blank) In python files');
  assert.equal(row('toggleFile', { isOffHere: true })?.label, '$(blank) In this file');
  assert.equal(row('trigger', { isManual: true })?.label, '$(check) Only when asked');
  assert.equal(row('toggleLanguage', { language: undefined }), undefined);
});

test('a key that is missing or refused can be set first of all', () => {
  const refused = { ...VIEW.status, needsKey: true };
  assert.deepEqual(rows({ status: refused }).map(({ command }) => command).slice(0, 2), ['showWhy', 'setKey']);
  assert.deepEqual(rows({ status: refused }).filter(({ command }) => command === 'setKey').length, 1);
});

test('a snooze can be ended, and a missing server installed', () => {
  assert.equal(row('wake'), undefined);
  assert.equal(row('wake', { switches: { ...ALL_ON, snoozedUntil: VIEW.now + 1 } })?.label, '$(bell) End snooze');
  assert.equal(row('install'), undefined);
  assert.ok(row('install', { hasServer: false }));
});
