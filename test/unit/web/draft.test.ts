import { expect, test } from 'vitest';
import { createDraft } from '../../../web/src/model/draft.ts';
import type { Memory } from '../../../web/src/model/ports.ts';

function createMemory(): Memory {
  const texts = new Map<string, string>();
  return { get: (name) => texts.get(name), set: (name, text) => void texts.set(name, text) };
}

const tables = (name: string) => (name === 'ages' ? { columns: [{ name: 'age', type: 'int' }] } : undefined);

test('what was typed is there after a reload', () => {
  const memory = createMemory();
  const draft = createDraft(memory, tables);
  draft.kind.value = 'filter';
  draft.write('mine');
  draft.paramsText.value = '{"a": 1}';
  draft.skipErrors.value = true;

  const again = createDraft(memory, tables);

  expect([again.kind.value, again.source.value, again.params.value, again.skipErrors.value]).toEqual([
    'filter',
    'mine',
    { kind: 'json', value: { a: 1 } },
    true,
  ]);
});

test('an example that nobody changed follows the dataset; a changed one stays', () => {
  const draft = createDraft(createMemory(), tables);
  const forFlights = draft.source.value;

  draft.dataset.value = 'ages';
  expect(draft.source.value).toContain('row.age');
  expect(draft.source.value).not.toBe(forFlights);

  draft.write('mine');
  draft.dataset.value = '';
  expect([draft.source.value, draft.isOwn.value]).toEqual(['mine', true]);
  draft.reset();
  expect([draft.source.value, draft.isOwn.value]).toEqual([forFlights, false]);
});

test('each kind of function has a text of its own', () => {
  const draft = createDraft(createMemory(), tables);
  draft.kind.value = 'map';
  draft.write('my map');

  draft.kind.value = 'filter';

  expect(draft.source.value).toContain('filter(row');
  draft.kind.value = 'map';
  expect(draft.source.value).toBe('my map');
});

test('params that are no JSON are said to be wrong, none are none', () => {
  const draft = createDraft(createMemory(), tables);

  expect(draft.params.value).toEqual({ kind: 'none' });
  draft.paramsText.value = '{a: 1}';
  expect(draft.params.value.kind).toBe('wrong');
});
