import { describe, expect, test } from 'vitest';
import { readTable, textSource, typesOf } from './sources.ts';

const csv = (text: string | Uint8Array, name = 'table.csv') => readTable(textSource(name, text));

describe('reading CSV', () => {
  test('reads numbers, truth values, timestamps and text, each as what it is', async () => {
    const { rows, counts } = await csv(
      'n,x,ok,day,text\n1,2.5,true,2024-02-29,a\n-7,1e3,false,2024-03-01T10:20:30+02:00,b\n',
    );

    expect(typesOf(counts)).toEqual(['n int', 'x float', 'ok bool', 'day timestamp', 'text string']);
    expect(rows).toEqual([
      { n: 1, x: 2.5, ok: true, day: '2024-02-29T00:00:00.000Z', text: 'a' },
      { n: -7, x: 1000, ok: false, day: '2024-03-01T08:20:30.000Z', text: 'b' },
    ]);
  });

  test('takes a BOM, quotes, quoted line ends and CRLF as what they are', async () => {
    const { rows, counts } = await csv('\ufeff"id","say ""hi"""\r\n1,"a, b"\r\n2,"two\nlines"\r\n3,""\r\n');

    expect(rows).toEqual([
      { id: 1, 'say "hi"': 'a, b' },
      { id: 2, 'say "hi"': 'two\nlines' },
      { id: 3, 'say "hi"': null },
    ]);
    expect(counts.brokenLines).toBe(0);
  });

  test('fills short rows with missing values, and counts long rows as broken with their line', async () => {
    const { rows, counts } = await csv('a,b\n1\n"x\ny",2\n1,2,3\n\n4,5\n6,7,8\n');

    expect(rows).toEqual([
      { a: '1', b: null },
      { a: 'x\ny', b: 2 },
      { a: '4', b: 5 },
    ]);
    expect(counts).toMatchObject({ rowCount: 3, brokenLines: 2, firstBrokenLine: 5 });
  });

  test('lets rows end in delimiters that nothing follows', async () => {
    const { rows, counts } = await csv('a,b\n1,2,\n3,4,\n');

    expect(rows).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ]);
    expect(counts.brokenLines).toBe(0);
  });

  test('tells the delimiter: tab, semicolon, bar', async () => {
    for (const [delimiter, name] of [
      ['\t', 'table.tsv'],
      ['\t', 'table.csv'],
      [';', 'table.csv'],
      ['|', 'table.csv'],
    ] as const) {
      const text = [
        ['a', 'b'],
        ['1', 'x,y'],
        ['2', 'z,w'],
      ]
        .map((cells) => cells.join(delimiter))
        .join('\n');
      expect((await csv(text, name)).rows).toEqual([
        { a: 1, b: 'x,y' },
        { a: 2, b: 'z,w' },
      ]);
    }
  });

  test('reads rows that end with CR alone', async () => {
    expect((await csv('a,b\r1,2\r3,4')).rows).toEqual([
      { a: 1, b: 2 },
      { a: 3, b: 4 },
    ]);
  });

  test('names columns that have no name or the same name', async () => {
    expect((await csv('a,,a,__proto__\n1,2,3,4\n')).counts.columns.map(({ name }) => name)).toEqual([
      'a',
      'column_2',
      'a_2',
      '__proto__',
    ]);
  });

  test('makes an empty dataset of a header alone', async () => {
    const { counts, chunks } = await csv('a,b\n');

    expect(counts.rowCount).toBe(0);
    expect(typesOf(counts)).toEqual(['a string', 'b string']);
    expect(chunks).toHaveLength(0);
  });

  test('refuses an empty file in one sentence', async () => {
    await expect(csv('')).rejects.toMatchObject({ code: 'bad-file', message: '"table.csv" is empty.' });
  });

  test('counts the line of a quote that is never closed, and reads on behind it', async () => {
    const { rows, counts } = await csv('a,b\n1,2\n3,"4\n5,6\n7,8\n');

    expect(rows).toEqual([
      { a: 1, b: 2 },
      { a: 5, b: 6 },
      { a: 7, b: 8 },
    ]);
    expect(counts).toMatchObject({ brokenLines: 1, firstBrokenLine: 3 });
  });

  test('keeps as text what no number can hold: leading zeros, and integers beyond 2^53', async () => {
    const { rows, counts } = await csv(
      'zip,id,max\n00501,9007199254740993,9007199254740991\n10001,5,-9007199254740991\n',
    );

    expect(typesOf(counts)).toEqual(['zip string', 'id string', 'max int']);
    expect(rows).toEqual([
      { zip: '00501', id: '9007199254740993', max: 9007199254740991 },
      { zip: '10001', id: '5', max: -9007199254740991 },
    ]);
  });

  test('takes an empty cell and null for missing, and nothing else', async () => {
    const { rows, counts } = await csv('n,s\n,null\n3,NA\nnull,x\n');

    expect(rows).toEqual([
      { n: null, s: null },
      { n: 3, s: 'NA' },
      { n: null, s: 'x' },
    ]);
    expect(counts.columns.map(({ missing, unfit }) => [missing, unfit])).toEqual([
      [2, 0],
      [1, 0],
    ]);
  });

  test('joins types up the lattice', async () => {
    const { rows, counts } = await csv('bi,if,is,ts,bs\ntrue,1,1,2024-01-01,true\n2,2.5,x,x,y\n');

    expect(typesOf(counts)).toEqual(['bi int', 'if float', 'is string', 'ts string', 'bs string']);
    expect(rows[0]).toEqual({ bi: 1, if: 1, is: '1', ts: '2024-01-01', bs: 'true' });
  });

  test('makes what does not fit missing, and tells how often and where first', async () => {
    const lines = Array.from({ length: 120_000 }, (_, index) =>
      index === 50_000 || index === 50_002 ? 'oops,7' : `${index},7`,
    );
    const { rows, counts } = await csv(`n,m\n${lines.join('\n')}\n`);

    expect(counts.columns).toEqual([
      { name: 'n', type: 'int', missing: 2, unfit: 2, firstUnfitLine: 50_002 },
      { name: 'm', type: 'int', missing: 0, unfit: 0 },
    ]);
    expect([rows[49_999], rows[50_000]]).toEqual([
      { n: 49_999, m: 7 },
      { n: null, m: 7 },
    ]);
  });

  test('looks at the end of a file too before it says a type', async () => {
    const lines = Array.from({ length: 120_000 }, (_, index) => (index === 119_000 ? '0.5' : `${index}`));

    expect(typesOf((await csv(`n\n${lines.join('\n')}\n`)).counts)).toEqual(['n float']);
  });

  test('reads a column as text when told to', async () => {
    const { rows, counts } = await readTable(textSource('t.csv', 'n,m\n1,1\n2.50,2\n'), { textColumns: ['n'] });

    expect(typesOf(counts)).toEqual(['n string', 'm int']);
    expect(rows).toEqual([
      { n: '1', m: 1 },
      { n: '2.50', m: 2 },
    ]);
  });

  test('replaces bytes that are no UTF-8, and counts them', async () => {
    const { rows, counts } = await csv(
      new Uint8Array([...new TextEncoder().encode('a\nJos'), 0xe9, ...new TextEncoder().encode(' \ufffd\nx\n')]),
    );

    expect(rows).toEqual([{ a: 'Jos\ufffd \ufffd' }, { a: 'x' }]);
    expect(counts.invalidUtf8).toBe(1);
  });

  test('refuses what is no text, and says what it seems to be', async () => {
    await expect(csv(new Uint8Array([0xff, 0xfe, 0x61, 0]))).rejects.toMatchObject({
      code: 'bad-file',
      message: expect.stringContaining('UTF-16'),
    });
    await expect(csv(new Uint8Array([0x1f, 0x8b, 8, 0]))).rejects.toMatchObject({
      code: 'bad-file',
      message: expect.stringContaining('gzip'),
    });
    await expect(csv(new Uint8Array([0x50, 0x4b, 3, 4, 0, 0]))).rejects.toMatchObject({
      code: 'bad-file',
      message: expect.stringContaining('no text'),
    });
  });
});
