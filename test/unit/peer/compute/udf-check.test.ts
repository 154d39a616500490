import { isMeshError } from '@shoal/shared';
import { describe, expect, test } from 'vitest';
import { checkUdf } from '../../../../peer/src/compute/udf-check.ts';
import { createUdf } from '../../../../peer/src/compute/udf.ts';

async function refusal(source: string): Promise<{ code: string; message: string; detail: unknown }> {
  try {
    await checkUdf(createUdf({ source, fileName: 'delays.ts' }));
  } catch (error) {
    if (isMeshError(error)) return { code: error.code, message: error.message, detail: error.detail };
    throw error;
  }
  throw new Error('it was accepted');
}

async function formOf(source: string): Promise<string> {
  return (await checkUdf(createUdf(source))).form;
}

describe('a UDF is accepted', () => {
  test.each([
    ['export default (row) => row;', 'function'],
    ['export default async function (row: { a: number }): Promise<number> { return row.a; }', 'function'],
    ['export default { map(row, params, ctx) { return row; } };', 'map'],
    [
      'export default { filter: (row: Row): boolean => true } satisfies Udf; interface Row { a: number }; type Udf = unknown',
      'filter',
    ],
    [
      'const udf = { init: () => 0, visit: (n, row) => n + 1, join: (a, b) => a + b }; export { udf as default };',
      'aggregate',
    ],
    ['function main() {} export default main;', 'function'],
    ['const make = () => ({ map: (row) => row }); export default make();', 'unknown'],
  ])('%s', async (source, form) => {
    expect(await formOf(source)).toBe(form);
  });

  test.each([
    ['hoisted helpers', 'export default (row) => later(row); function later(row) { return row; }'],
    ['a var of an inner block', 'export default () => { if (true) { var a = 1; } return a; }'],
    [
      'destructuring with defaults',
      'export default ({ a, b: [c, ...d], ...rest }, { e = 1 } = {}) => [a, c, d, rest, e];',
    ],
    ['catch clauses', 'export default () => { try { return 1; } catch ({ message }) { return message; } }'],
    ['labels', 'export default () => { outer: for (const a of [1]) { for (;;) { continue outer; } } }'],
    [
      'classes',
      'class A { static #b = 1; static c() { return A.#b; } } export default () => new (class B extends A { d = B; })();',
    ],
    ['property names', 'export default (row) => ({ window: row.document, process: row?.fetch });'],
    ['named function expressions', 'export default function f(n) { return n > 0 ? f(n - 1) : arguments.length; }'],
    ['a name of the platform shadowed', 'export default (row) => { const window = row; return window; }'],
    ['asking whether a name is there', 'export default () => typeof window === "undefined";'],
    [
      'the globals of all workers',
      'export default () => [new TextEncoder(), new URL("a:b"), structuredClone(1), performance.now(), atob(""), Math.PI]',
    ],
    ['enums', 'enum Size { small, large } export default () => Size.large;'],
    ['types of imports', 'import type { A } from "a"; export default (a: A) => a;'],
  ])('with %s', async (_what, source) => {
    expect(await formOf(source)).toBe('function');
  });
});

describe('a UDF is refused before it is sent', () => {
  test('for a syntax error, with its place', async () => {
    expect(await refusal('export default (row) => {\n  return row +;\n};')).toMatchObject({
      code: 'bad-udf',
      message: expect.stringContaining('delays.ts, line 2'),
      detail: { line: 2 },
    });
  });

  test('for an outside variable, by name and line', async () => {
    const source = 'interface Row { a: number }\n\nexport default (row: Row) => {\n  return row.a * rate;\n};';

    expect(await refusal(source)).toEqual({
      code: 'bad-udf',
      message: '"rate" (line 4) is not defined in the function\'s file; pass it in params.',
      detail: { line: 4, column: 18, name: 'rate' },
    });
  });

  test('with the column of the TypeScript, behind types too', async () => {
    expect(await refusal('export default (row: { a: number }, rate: number) => row.a * tax;')).toMatchObject({
      detail: { line: 1, column: 62, name: 'tax' },
    });
  });

  test.each([
    ['fetch("/")', 'fetch (line 3): a function reaches no network'],
    ['window.x', 'window (line 3): only pages have it'],
    ['process.env', 'process (line 3): only Node has it'],
    ['require("fs")', 'require (line 3): only Node has it'],
    ['localStorage.a', 'localStorage (line 3): only pages have it'],
    ['indexedDB', 'indexedDB (line 3): a function reaches no storage'],
    ['globalThis.fetch', 'globalThis (line 3)'],
    ['self', 'self (line 3)'],
    ['eval("1")', 'eval (line 3)'],
    ['new Function("1")', 'Function (line 3)'],
    ['new Worker("a")', 'Worker (line 3)'],
    ['Deno.cwd()', 'Deno (line 3)'],
    ['import("fs")', 'import() (line 3)'],
    ['import.meta.url', 'import.meta (line 3)'],
    ['(unknownThing = 1)', '"unknownThing" (line 3) is not defined'],
  ])('for %s', async (expression, message) => {
    expect((await refusal(`export default () => {\n\n  return ${expression};\n};`)).message).toContain(message);
  });

  test.each([
    ['import fs from "fs"; export default () => 1;', 'import of "fs" (line 1)'],
    ['import "fs"; export default () => 1;', 'import of "fs" (line 1)'],
    ['export * from "a"; export default () => 1;', 'export from "a" (line 1)'],
    ['export { a } from "a"; export default () => 1;', 'export from "a" (line 1)'],
    ['export { default } from "a";', 'export from "a" (line 1)'],
    ['const a = 1;', 'has no default export'],
    ['', 'has no default export'],
    ['export default 5;', 'is a value'],
    ['export default class {};', 'is a class'],
    ['export default {};', 'has none of these'],
    ['export default { init() {}, visit() {} };', 'is an aggregate without join'],
  ])('%s', async (source, message) => {
    expect(await refusal(source)).toMatchObject({ code: 'bad-udf', message: expect.stringContaining(message) });
  });

  test('when it is longer than a function may be', async () => {
    await expect(async () => createUdf(' '.repeat(2 ** 20 + 1))).rejects.toMatchObject({ code: 'bad-udf' });
  });
});
