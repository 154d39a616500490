// What a program does with the mesh object, as one function that stands by itself: it runs in Node, and,
// sent by its source, in the page. What it gives back is compared.

import type { Mesh } from '@shoal/peer';

export interface CallsOptions {
  /** Begins every key, so that two runs don't meet. */
  readonly prefix: string;
}

export async function sameCalls(mesh: Mesh, { prefix }: CallsOptions): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {};
  const key = (name: string): string => `${prefix}/${name}`;
  const codeOf = async (work: () => Promise<unknown>): Promise<string> => {
    try {
      await work();
      return 'no error';
    } catch (error) {
      return (error as { code?: string }).code ?? String(error);
    }
  };

  // Values come back as what was put.
  await mesh.put(key('text'), 'häi');
  await mesh.put(key('json'), { a: [1, null, 'x'] });
  await mesh.put(key('bytes'), Uint8Array.of(1, 2, 255), { mediaType: 'image/x-test' });
  seen['text'] = await mesh.get(key('text'));
  seen['json'] = await mesh.get(key('json'));
  const bytes = await mesh.getEntry(key('bytes'));
  seen['bytes'] = [...(bytes?.bytes ?? [])];
  seen['mediaType'] = bytes?.mediaType;
  seen['absent'] = (await mesh.get(key('nobody'))) === undefined;

  seen['many'] = await mesh.getMany([key('json'), key('nobody'), key('text')]);
  seen['many of them bad'] = await codeOf(() => mesh.getMany([key('text'), 'k'.repeat(513)]));

  // Compare-and-set, and a delete that tells whether there was something.
  const first = await mesh.put(key('lock'), 'mine', { expected: null, minCopies: 2 });
  seen['copies'] = first.copies;
  seen['second lock'] = await codeOf(() => mesh.put(key('lock'), 'mine too', { expected: null }));
  seen['own version'] = await codeOf(() => mesh.put(key('lock'), 'again', { expected: first.version }));
  seen['cas of old'] = await codeOf(() => mesh.cas(key('lock'), first.version, 'late'));
  const present = await mesh.getEntry(key('lock'));
  if (present === undefined) throw new Error('the lock is gone');
  seen['unchanged'] = await mesh.getEntry(key('lock'), { newerThan: present.version });
  const newer = await mesh.getEntry(key('lock'), { newerThan: first.version });
  seen['newer'] = newer === 'unchanged' ? newer : newer?.value;
  seen['too few copies'] = await codeOf(() => mesh.put(key('lock'), 'x', { minCopies: 7, timeoutMs: 1_000 }));
  seen['deleted'] = await mesh.delete(key('lock'));
  seen['deleted twice'] = await mesh.delete(key('lock'));

  // A get that waits, from the other side of a put.
  const waiting = mesh.get(key('later'), { wait: true, timeoutMs: 20_000 });
  await mesh.put(key('later'), 'now');
  seen['waited'] = await waiting;
  seen['waited in vain'] = await codeOf(() => mesh.get(key('never'), { wait: true, timeoutMs: 200 }));
  const controller = new AbortController();
  const cancelled = codeOf(() => mesh.get(key('never'), { wait: true, signal: controller.signal }));
  controller.abort();
  seen['cancelled'] = await cancelled;

  const keys: string[] = [];
  for await (const entry of mesh.keys(`${prefix}/*`)) keys.push(entry.key.slice(prefix.length));
  seen['keys'] = keys;
  seen['long key'] = await codeOf(() => mesh.put('k'.repeat(513), 1));
  seen['half a pair'] = await codeOf(() => mesh.put(`${prefix}\ud800`, 1));
  seen['reserved key'] = await codeOf(() => mesh.put('~mine', 1));
  seen['no value'] = await codeOf(() => mesh.put(key('u'), undefined as never));

  // Functions, on the least busy member, at a key's owner, on that member.
  const udf = 'export default async (a: number, b: number, ctx) => ({ sum: a + b, by: ctx.member.id.length })';
  seen['call'] = await mesh.call(udf, [2, 3]);
  seen['call at a key'] = await mesh.call('export default async (key, ctx) => ctx.get(key)', [key('text')], {
    key: key('text'),
  });
  seen['call that throws'] = await codeOf(() => mesh.call('export default () => { throw new Error("no"); }'));
  seen['call that never ends'] = await codeOf(() =>
    mesh.call('export default () => { for (;;); }', [], { timeoutMs: 1_500 }),
  );
  const calls = await mesh.callMany('export default (n) => { if (n === 2) throw new Error("no"); return n * n; }', [
    [1],
    [2],
    [3],
  ]);
  seen['many calls'] = calls.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.code));
  seen['call of nonsense'] = await codeOf(() => mesh.call('export default ('));

  // Messages to oneself take the same road.
  const got = new Promise<unknown>((resolve) => {
    mesh.onMessage('greeting', ({ value, from }) => resolve([value, from === mesh.id]));
  });
  await mesh.send(mesh.id, 'greeting', { hello: 'you' });
  seen['message'] = await got;
  seen['message to nobody'] = await codeOf(() => mesh.send('ffffffff', 'greeting', 1));

  // A dataset from a source of slices.
  const text = 'name,legs\nant,6\nbee,6\ncat,4\n';
  const source = {
    name: 'animals.csv',
    sizeBytes: text.length,
    async *slices() {
      yield new TextEncoder().encode(text);
    },
  };
  const info = await mesh.load(source, { name: `${prefix}-animals` });
  seen['rows'] = info.rowCount;
  seen['columns'] = info.columns.map(({ name, type }) => [name, type]);
  seen['load again'] = await codeOf(() => mesh.load(source, { name: `${prefix}-animals` }));
  const dataset = await mesh.dataset(`${prefix}-animals`);
  seen['head'] = await dataset.head(2);
  const filtered = await mesh.run('export default { filter: (row, params) => row.legs < params.below }', {
    dataset: `${prefix}-animals`,
    params: { below: 5 },
  });
  if (filtered.output.kind === 'table') {
    seen['filtered'] = await filtered.output.table.rows(0, 10);
    await filtered.output.table.close();
  }
  const counted = await mesh.run(
    'export default { init: () => 0, visit: (legs, row) => legs + row.legs, join: (a, b) => a + b, finish: (legs) => ({ legs }) }',
    { dataset: `${prefix}-animals` },
  );
  seen['counted'] = counted.output.kind === 'value' ? counted.output.value : counted.output.kind;
  await mesh.drop(`${prefix}-animals`);
  seen['dropped'] = await codeOf(() => mesh.dataset(`${prefix}-animals`));
  return seen;
}
