import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SecretStorage } from 'vscode';
import { Keys } from '../src/keys';

async function keys(held: Record<string, string>): Promise<Keys> {
  const slots = new Map<string, string>();
  const storage = {
    get: async (slot: string) => slots.get(slot),
    store: async (slot: string, key: string) => void slots.set(slot, key),
    delete: async (slot: string) => void slots.delete(slot),
  };
  const made = new Keys(storage as unknown as SecretStorage);
  for (const [backend, key] of Object.entries(held)) {
    await made.set(backend, key);
  }
  return made;
}

test('a key goes to its own back end only', async () => {
  const both = await keys({ codestral: 'c', langdock: 'l' });
  assert.deepEqual(await both.with({ backend: 'langdock' }), { backend: 'langdock', api_key: 'l' });
  assert.deepEqual(await both.with({ backend: 'mistral', top_p: 1 }), { backend: 'mistral', top_p: 1 });
  assert.deepEqual(await both.with({ backend: 'ngram' }), { backend: 'ngram' });
});

test('where no back end is chosen, a key chooses its own', async () => {
  const one = await keys({ langdock: 'l' });
  assert.deepEqual(await one.with({}), { backend: 'langdock', api_key: 'l' });
  assert.deepEqual(await one.with({ backend: 'auto' }), { backend: 'langdock', api_key: 'l' });
});

test('without keys, or with odd settings, nothing is added', async () => {
  assert.deepEqual(await (await keys({})).with({ base_url: 'https://h' }), { base_url: 'https://h' });
  assert.deepEqual(await (await keys({ codestral: 'c' })).with({ backend: 7 }), { backend: 7 });
});

test('a removed key is gone', async () => {
  const held = await keys({ codestral: 'c', mistral: 'm' });
  await held.remove('codestral');
  assert.deepEqual(await held.held(), ['mistral']);
});
