import assert from 'node:assert/strict';
import { test } from 'node:test';
import { trustedValues, workspaceValues, type Inspected } from '../src/settings';

function inspect(values: Record<string, Inspected>): (name: string) => Inspected | undefined {
  return (name) => values[name];
}

test('the user alone says where a key goes and what runs', () => {
  const values = inspect({
    base_url: { globalValue: 'https://mine.example', workspaceValue: 'https://thief.example' },
    backend: { workspaceValue: 'mistral' },
    api_key_command: { workspaceFolderValue: ['steal'] },
  });
  assert.deepEqual(trustedValues(values), { base_url: 'https://mine.example' });
  assert.deepEqual(workspaceValues(values), {});
});

test('what nobody has set is not sent', () => {
  const values = inspect({ model: {}, exclude: {}, backend: {} });
  assert.deepEqual(trustedValues(values), {});
  assert.deepEqual(workspaceValues(values), {});
});

test('what was emptied on the settings page is not sent', () => {
  const values = inspect({
    model: { globalValue: '' },
    base_url: { globalValue: '' },
    stop: { globalValue: [] },
    fallback: { globalValue: [] },
  });
  assert.deepEqual(trustedValues(values), { fallback: [] });
  assert.deepEqual(workspaceValues(values), {});
});

test('for the rest the nearest value counts, and null is one', () => {
  const values = inspect({
    model: { globalValue: 'mine', workspaceValue: 'theirs' },
    top_p: { globalValue: 0.5 },
    max_tokens: { globalValue: 9, workspaceValue: null },
    multiline: { workspaceValue: 'never', workspaceFolderValue: 'always' },
  });
  assert.deepEqual(workspaceValues(values), { model: 'theirs', top_p: 0.5, max_tokens: null, multiline: 'always' });
});

test("a quota and excluded files are said twice: the user's own, and the project's", () => {
  const values = inspect({
    requests_per_minute: { globalValue: 900, workspaceValue: 30 },
    exclude: { globalValue: ['!.env.local'] },
  });
  assert.deepEqual(trustedValues(values), { requests_per_minute: 900, exclude: ['!.env.local'] });
  assert.deepEqual(workspaceValues(values), { requests_per_minute: 30 });
});
