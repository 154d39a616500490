import { describe, expect, test } from 'vitest';
import { readTable, textSource, typesOf } from './sources.ts';

describe('reading NDJSON', () => {
  const ndjson = (text: string) => readTable(textSource('rows.ndjson', text));

  test('counts broken lines, keeps the first number, and loads the rest', async () => {
    const { rows, counts } = await ndjson('\ufeff{"a":1}\r\n\r\n{"a":\r\n{"a":2,"b":"x"}\r\nnonsense\r\n{"a":null}');

    expect(rows).toEqual([
      { a: 1, b: null },
      { a: 2, b: 'x' },
      { a: null, b: null },
    ]);
    expect(counts).toMatchObject({ rowCount: 3, brokenLines: 2, firstBrokenLine: 3 });
  });

  test('refuses a file of which no line can be read', async () => {
    await expect(ndjson('hello\nworld\n')).rejects.toMatchObject({
      code: 'bad-file',
      message: expect.stringContaining('line 1'),
    });
  });

  test('keeps lists and objects as they are', async () => {
    const { rows, counts } = await ndjson('{"tags":["a",1],"at":{"x":1.5}}\n{"tags":"b"}\n');

    expect(typesOf(counts)).toEqual(['tags json', 'at json']);
    expect(rows).toEqual([
      { tags: ['a', 1], at: { x: 1.5 } },
      { tags: 'b', at: null },
    ]);
  });

  test('keeps every digit of integers beyond 2^53', async () => {
    const { rows } = await ndjson(
      '{"id":12345678901234567890,"note":"1234567890123456789","near":9007199254740991,"x":1234567890.123456789}\n',
    );

    expect(rows).toEqual([
      { id: '12345678901234567890', note: '1234567890123456789', near: 9007199254740991, x: 1234567890.123456789 },
    ]);
  });

  test('counts values under names that no sample had', async () => {
    const lines = Array.from({ length: 60_000 }, (_, index) =>
      JSON.stringify(index === 30_000 ? { n: index, extra: 1 } : { n: index }),
    );
    const { counts } = await ndjson(lines.join('\n'));

    expect(counts.columns.map(({ name }) => name)).toEqual(['n']);
    expect(counts.unknownNames).toEqual({ count: 1, firstName: 'extra', firstLine: 30_001 });
  });

  test('takes names that every object has from its prototype only if the row has them', async () => {
    const { rows } = await ndjson('{"constructor":1,"toString":"x"}\n{"a":1}\n');

    expect(rows[1]).toEqual({ constructor: null, toString: null, a: 1 });
  });
});

describe('reading a JSON array', () => {
  const json = (text: string, name = 'rows.json') => readTable(textSource(name, text));

  test('finds elements whatever is in their strings', async () => {
    const { rows } = await json('\n[ {"a":"}],[{\\"\\\\","b":[1,{"c":"]"}]} ,\n {"a":"\\\\"}\n]\n');

    expect(rows).toEqual([
      { a: '}],[{"\\', b: [1, { c: ']' }] },
      { a: '\\', b: null },
    ]);
  });

  test('makes one column of what are no objects', async () => {
    expect((await json('[1, 2.5, null]')).rows).toEqual([{ value: 1 }, { value: 2.5 }, { value: null }]);
  });

  test('counts an element that is no JSON, with its line', async () => {
    const { rows, counts } = await json('[{"a":1},\n{a:2},\n{"a":3}]');

    expect(rows).toEqual([{ a: 1 }, { a: 3 }]);
    expect(counts).toMatchObject({ brokenLines: 1, firstBrokenLine: 2 });
  });

  test('refuses an array that is not closed, one with more behind it, and one object', async () => {
    await expect(json('[{"a":1},\n{"a":2}')).rejects.toMatchObject({
      code: 'bad-file',
      message: expect.stringContaining('line 2'),
    });
    await expect(json('[{"a":1}] [')).rejects.toMatchObject({ code: 'bad-file' });
    await expect(json('{"rows":[{"a":1}]}')).rejects.toMatchObject({
      code: 'bad-file',
      message: expect.stringContaining('no table'),
    });
  });

  test('reads lines of objects under the name .json', async () => {
    expect((await json('{"a":1}\n{"a":2}\n')).rows).toEqual([{ a: 1 }, { a: 2 }]);
  });
});

describe('reading plain text', () => {
  test('gives a row for each line, empty ones too', async () => {
    const { rows } = await readTable(textSource('book.txt', 'one\r\n\nnull\n12'));

    expect(rows).toEqual([{ line: 'one' }, { line: '' }, { line: 'null' }, { line: '12' }]);
  });

  test('reads a file as lines when told to', async () => {
    expect((await readTable(textSource('a.csv', 'a,b\n1,2'), { format: 'text' })).rows).toEqual([
      { line: 'a,b' },
      { line: '1,2' },
    ]);
  });

  test('tells the format of a file without an ending by how it begins', async () => {
    const format = async (text: string) => Object.keys((await readTable(textSource('data', text))).rows[0] ?? {});

    expect(await format('a,b\n1,2\n3,4\n')).toEqual(['a', 'b']);
    expect(await format('{"x":1}\n{"x":2}\n')).toEqual(['x']);
    expect(await format('[{"y":1}]')).toEqual(['y']);
    expect(await format('Call me Ishmael.\nSome years ago\n')).toEqual(['line']);
  });
});
