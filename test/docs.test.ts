// What README.md and ARCHITECTURE.md name is there: files, folders, links, scripts. Their examples run
// in test/e2e/docs.test.ts.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const DOCUMENTS = ['README.md', 'ARCHITECTURE.md', 'BENCHMARKS.md'];
const WORKSPACES = ['shared', 'peer', 'signaling-server', 'node-peer', 'web'];
/** Built, installed or written by programs. */
const NOT_OURS = new Set(['node_modules', 'dist', '.git', '.build', '.shoal', 'test-results', 'coverage']);
/** The reader's own, in examples. */
const READERS_OWN = new Set(['by-state.ts', './b', 'registrar/main.table']);

const files = filesBelow(root, '');
const folders = new Set(files.flatMap((file) => parents(file)));

describe.each(DOCUMENTS)('%s', (name) => {
  const text = readFileSync(join(root, name), 'utf8');

  test('names only files and folders that exist', () => {
    expect(pathsOf(text).filter((path) => !isThere(path))).toEqual([]);
  });

  test('links only to what is there', () => {
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, target = '']) => target);
    const relative = links.filter((target) => !/^[a-z]+:/.test(target));

    expect(relative.filter((target) => !leadsSomewhere(target, name))).toEqual([]);
  });

  test('names only npm scripts that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [...text.matchAll(/npm (?:run )?([a-z:]+)/g)].map(([, script = '']) => script);

    expect(named.filter((script) => !['ci', 'install'].includes(script) && scripts[script] === undefined)).toEqual([]);
  });
});

test('the files that a document names are found in its text', () => {
  const text = 'The `peer/src/ports` of `router.ts`, `npm ci`, `/m/NAME`, `{tag}`.\n```ts\n`no/file.ts`\n```\n';

  expect(pathsOf(text)).toEqual(['peer/src/ports', 'router.ts']);
  expect(isThere('no/file.ts')).toBe(false);
});

/** In backquotes outside of blocks: what has a slash between words, or ends like a source or a document. */
function pathsOf(text: string): readonly string[] {
  const prose = text.replaceAll(/```[\s\S]*?```/g, '');
  const quoted = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, path = '']) => path);
  const paths = quoted.filter(
    (path) =>
      /^[\w.-]+(\/[\w.-]*)*$/.test(path) && (/\.(ts|tsx|js|mjs|md|json|html)$/.test(path) || /^[\w.-]+\//.test(path)),
  );
  return [...new Set(paths)].filter((path) => !READERS_OWN.has(path));
}

/** From the root, from a workspace or its sources, or a file of that name further down. */
function isThere(path: string): boolean {
  const bare = path.replace(/\/$/, '');
  const roots = ['', ...WORKSPACES.flatMap((workspace) => [`${workspace}/`, `${workspace}/src/`])];
  if (roots.some((start) => files.includes(start + bare) || folders.has(start + bare))) return true;
  return !path.endsWith('/') && files.some((file) => file.endsWith(`/${bare}`) || file.endsWith(`/${bare}.ts`));
}

function leadsSomewhere(target: string, from: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? from : path;
  if (!existsSync(join(root, file))) return false;
  return anchor === undefined || anchorsOf(readFileSync(join(root, file), 'utf8')).includes(anchor);
}

function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function filesBelow(folder: string, prefix: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = prefix + entry.name;
    return entry.isDirectory() ? filesBelow(join(folder, entry.name), `${path}/`) : [path];
  });
}

function parents(file: string): readonly string[] {
  const parts = file.split('/').slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join('/'));
}
