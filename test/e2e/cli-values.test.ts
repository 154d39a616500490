import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join as joinPath } from 'node:path';
import { join } from '@shoal/node-peer';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createStage, type Done, isWithinTenth, until } from './support.ts';

const stage = createStage();
let url: string;

beforeAll(async () => {
  ({ url } = await stage.startServer());
  await stage.startPeers(url, ['ada', 'ben', 'cleo'], { args: ['--workers', '1'] });
});
afterAll(() => stage.close());

const shoal = (verb: string, ...args: string[]): Promise<Done> => stage.shoal([verb, '--join', url, ...args]);

describe('three members', () => {
  test('each own a third of the slots, within a tenth, and are linked to each other', async () => {
    const { slots, members } = await stage.status(url);

    expect(slots).toBe(4_096);
    expect(members.map((member) => member.name).toSorted()).toEqual(['ada', 'ben', 'cleo']);
    expect(members.reduce((sum, member) => sum + member.slots, 0)).toBe(4_096);
    for (const member of members) {
      expect(isWithinTenth(member.slots, 1_365)).toBe(true);
      expect(member).toMatchObject({ kind: 'node', state: 'here' });
      const others = members.filter(({ id }) => id !== member.id).map(({ id }) => id);
      const open = (member.links ?? []).filter((link) => link.state === 'open').map((link) => link.member);
      expect(open).toEqual(expect.arrayContaining(others));
    }
  });

  test('a command changes neither epoch nor table', async () => {
    // Members that have just joined still share out their slots.
    let before = await stage.status(url);
    await until(
      async () => {
        const { epoch } = before;
        await new Promise((resolve) => setTimeout(resolve, 3_000));
        before = await stage.status(url);
        return before.epoch === epoch;
      },
      () => 'a table that stands still',
    );
    await shoal('put', 'epoch-test', '1');
    await shoal('get', 'epoch-test');
    const after = await stage.status(url);

    expect([after.term, after.epoch]).toEqual([before.term, before.epoch]);
    expect(after.members.map(({ slots }) => slots)).toEqual(before.members.map(({ slots }) => slots));
  });

  test('status is a table for people', async () => {
    const done = await shoal('status');

    expect(done).toMatchObject({ code: 0, stderr: '' });
    expect(done.stdout).toMatch(/^ada +[0-9a-f]{8} +node +here +\d+ +\d+ +strict +/m);
  });
});

describe('put and get', () => {
  test('give what was put, whoever owns it', async () => {
    const names = ['a', 'b', 'c', 'd'];
    const puts = await Promise.all(names.map((name) => shoal('put', `text/${name}`, `wert ${name} ü`)));
    const gets = await Promise.all(names.map((name) => shoal('get', `text/${name}`)));

    for (const put of puts) {
      expect(put).toMatchObject({ code: 0, stderr: '' });
      expect(put.stdout).toMatch(/^\d+\.\d+, 2 copies\n$/);
    }
    for (const [index, get] of gets.entries()) {
      expect(get).toMatchObject({ code: 0, stdout: `wert ${names[index]} ü`, stderr: '' });
    }
  });

  test('give the bytes of a file as they are', async () => {
    const folder = await stage.folder();
    const [input, output] = [joinPath(folder, 'in.bin'), joinPath(folder, 'out.bin')];
    const bytes = randomBytes(3 * 1024 * 1024 + 5);
    await writeFile(input, bytes);

    expect(await shoal('put', 'file', '--file', input)).toMatchObject({ code: 0 });
    expect(await shoal('get', 'file', '--out', output)).toMatchObject({ code: 0, stdout: '' });
    const piped = await shoal('get', 'file');

    expect(sha256(await readFile(output))).toBe(sha256(bytes));
    expect(sha256(piped.bytes)).toBe(sha256(bytes));
  });

  test('take a value from stdin', async () => {
    const put = await stage.shoal(['put', '--join', url, 'stdin', '--file', '-'], { input: 'from a pipe\n' });

    expect(put.code).toBe(0);
    expect((await shoal('get', 'stdin')).stdout).toBe('from a pipe\n');
  });

  test('compare and set: a put and an rm take the version that they are given, or end with the one that there is', async () => {
    const put = async (...args: string[]): Promise<Done> => shoal('put', 'cas', ...args, '--json');
    const first = JSON.parse((await put('1', '--if-version', 'absent')).stdout) as { version: string; copies: number };
    expect(first).toEqual({ key: 'cas', version: first.version, copies: 2 });
    const again = await put('1', '--if-version', 'absent');
    const second = JSON.parse((await put('2', '--if-version', first.version)).stdout) as { version: string };
    const late = await shoal('rm', 'cas', '--if-version', first.version);

    for (const refused of [again, late]) expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toMatch(new RegExp(`^[^\n]*${first.version}[^\n]*\n$`));
    expect(late.stderr).toMatch(new RegExp(`^[^\n]*${second.version}[^\n]*\n$`));
    expect((await shoal('get', 'cas', '--newer-than', first.version)).stdout).toBe('2');
    expect(await shoal('get', 'cas', '--newer-than', second.version)).toMatchObject({ code: 0, stdout: '' });
    expect((await shoal('rm', 'cas', '--if-version', second.version)).code).toBe(0);
  });

  test('wait for the copies that are asked for, or write nothing', async () => {
    expect((await shoal('put', 'many', 'v', '--min-copies', '2')).stdout).toMatch(/, 2 copies\n$/);
    const refused = await shoal('put', 'many', 'w', '--min-copies', '3');

    expect(refused).toMatchObject({ code: 1, stdout: '' });
    expect(refused.stderr).toMatch(/^[^\n]*copies[^\n]*\n$/);
    expect((await shoal('get', 'many')).stdout).toBe('v');
  });

  test('take an empty value, and a value that looks like a flag', async () => {
    expect((await shoal('put', 'empty', '')).code).toBe(0);
    expect(await shoal('get', 'empty')).toMatchObject({ code: 0, stdout: '' });
    expect((await shoal('put', 'dash', '--', '--json')).code).toBe(0);
    expect((await shoal('get', 'dash')).stdout).toBe('--json');
  });

  test('--json is one JSON value', async () => {
    await shoal('put', 'json-text', 'a\n"b"');
    await stage.shoal(['put', '--join', url, 'json-bytes', '--file', '-'], { input: Uint8Array.of(0, 255) });

    expect(JSON.parse((await shoal('get', 'json-text', '--json')).stdout)).toMatchObject({
      key: 'json-text',
      value: 'a\n"b"',
    });
    expect(JSON.parse((await shoal('get', 'json-bytes', '--json')).stdout)).toMatchObject({
      base64: 'AP8=',
      mediaType: 'application/octet-stream',
      sizeBytes: 2,
    });
  });

  test('a key that nobody put is one sentence that names it, and 1', async () => {
    expect(await shoal('get', 'nobody')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: 'The key "nobody" has no value.\n',
    });
  });

  test('--wait waits for the put, and --timeout ends the wait', async () => {
    const waiting = shoal('get', 'late', '--wait', '--timeout', '30000');
    const tooShort = await shoal('get', 'never', '--wait', '--timeout', '1500');
    await shoal('put', 'late', 'here');

    expect(await waiting).toMatchObject({ code: 0, stdout: 'here' });
    expect(tooShort).toMatchObject({ code: 1, stdout: '' });
    expect(tooShort.stderr).toMatch(/^[^\n]*never[^\n]*\n$/);
  });

  test('Ctrl-C ends a wait with a word, and soon', async () => {
    const waiting = stage.start(['get', '--join', url, 'interrupted', '--wait', '--timeout', '60000']);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const startedAt = performance.now();

    const ended = await waiting.stop('SIGINT');

    expect(ended).toEqual({ code: 1, signal: null });
    expect(waiting.stderr()).toBe('Cancelled.\n');
    expect(performance.now() - startedAt).toBeLessThan(2_500);
  });

  test.each([
    ['of 513 bytes', 'k'.repeat(513), /513 bytes/],
    ["of Shoal's own", '~mine', /~/],
    ['empty', '', /at least one/],
  ])('a key %s is refused in one sentence', async (_what, key, sentence) => {
    const done = await shoal('put', key, 'v');

    expect(done).toMatchObject({ code: 1, stdout: '' });
    expect(done.stderr).toMatch(/^[^\n]+\n$/);
    expect(done.stderr).toMatch(sentence);
  });

  test('a file that is not there is one sentence that names it', async () => {
    const done = await shoal('put', 'k', '--file', '/no/such/file');

    expect(done).toMatchObject({ code: 1, stdout: '' });
    expect(done.stderr).toMatch(/^[^\n]*\/no\/such\/file[^\n]*\n$/);
  });

  test('a value over 64 MiB is one sentence that names the key', async () => {
    const input = joinPath(await stage.folder(), 'big');
    await writeFile(input, Buffer.alloc(64 * 1024 * 1024 + 1));

    const done = await shoal('put', 'too-big', '--file', input);

    expect(done).toMatchObject({ code: 1, stdout: '' });
    expect(done.stderr).toMatch(/^[^\n]*too-big[^\n]*\n$/);
  });

  test('a command ends by itself soon after its answer', async () => {
    expect((await shoal('get', 'nobody')).tookMs).toBeLessThan(4_000);
  });
});

describe('ls and rm', () => {
  test('list the keys of all members in order, and delete', async () => {
    const keys = Array.from({ length: 12 }, (_, index) => `list/${String(index).padStart(2, '0')}`);
    const mesh = await join({ url, kind: 'command', name: 'lister', workers: 1 });
    await Promise.all(keys.map((key) => mesh.put(key, 'v')));
    await mesh.leave();

    expect((await shoal('ls', 'list/*')).stdout).toBe(keys.map((key) => `${key}\n`).join(''));
    expect((await shoal('ls', 'list/0?')).stdout.split('\n')).toHaveLength(11);
    const entries = JSON.parse((await shoal('ls', 'list/1*', '--json')).stdout) as { key: string; sizeBytes: number }[];
    expect(entries).toMatchObject([
      { key: 'list/10', sizeBytes: 1 },
      { key: 'list/11', sizeBytes: 1 },
    ]);
    expect((await shoal('ls', 'nothing*', '--json')).stdout).toBe('[]\n');

    expect(await shoal('rm', 'list/05')).toMatchObject({ code: 0, stdout: '' });
    expect((await shoal('get', 'list/05')).code).toBe(1);
    expect(await shoal('rm', 'list/05')).toMatchObject({ code: 1, stderr: 'The key "list/05" has no value.\n' });
    expect((await shoal('ls', 'list/*')).stdout).not.toContain('list/05');
  });

  test('a reader that goes away ends the list without a word', async () => {
    const listing = stage.start(['ls', '--join', url]);
    listing.child.stdout?.destroy();

    expect((await listing.ended).code).toBe(0);
    expect(listing.stderr()).toBe('');
  });
});

describe('a member that is killed', () => {
  test('right after an acknowledged put has its id and the value again on the same folder', async () => {
    const { url: own } = await stage.startServer();
    const ada = await stage.startPeer(own, { name: 'ada' });
    const idOf = async (): Promise<unknown> => (await stage.status(own)).members[0]?.id;
    const id = await idOf();
    const put = await stage.shoal(['put', '--join', own, 'precious', 'gold']);
    await ada.stop('SIGKILL');
    expect(put.code).toBe(0);

    await stage.startPeer(own, { name: 'ada', data: ada.data });

    expect(await stage.shoal(['get', '--join', own, 'precious'])).toMatchObject({ code: 0, stdout: 'gold' });
    expect(await idOf()).toBe(id);
  });

  test('leaves its slots its own where each has one copy: requests name it, until it is forgotten', async () => {
    const { url: own } = await stage.startServer({ args: ['--replicas', '1'] });
    const ada = await stage.startPeer(own, { name: 'ada' });
    await stage.shoal(['put', '--join', own, 'with-ada', 'v']);
    await ada.stop('SIGKILL');
    await stage.startPeer(own, { name: 'ben' });

    const away = await stage.shoal(['get', '--join', own, 'with-ada', '--timeout', '4000']);
    expect(away).toMatchObject({ code: 1, stdout: '' });
    expect(away.stderr).toMatch(/^[^\n]*ada[^\n]*\n$/);

    const forgotten = await stage.shoal(['forget', '--join', own, 'ada']);
    expect(forgotten.code).toBe(0);
    await expect
      .poll(async () => (await stage.shoal(['get', '--join', own, 'with-ada', '--timeout', '4000'])).stderr, {
        timeout: 30_000,
      })
      .toBe('The key "with-ada" has no value.\n');
    expect((await stage.shoal(['put', '--join', own, 'with-ada', 'again'])).code).toBe(0);
    expect((await stage.shoal(['forget', '--join', own, 'nobody'])).stderr).toMatch(/^[^\n]*nobody[^\n]*\n$/);
  });
});

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
