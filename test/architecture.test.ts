// The architecture as a test: who may import what (ARCHITECTURE.md), that a package declares what it
// imports, and sizes. Compilers don't hold these: npm's links let every workspace reach every package.
// A function's lines are its own: those of functions inside it, empty ones and comments do not count.

import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'vite';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const WORKSPACES = ['shared', 'peer', 'signaling-server', 'node-peer', 'web'];
const LINES_MOST = 300;
const FUNCTION_LINES_MOST = 75;

/** What the files of a folder may import, beside their own folder and what is below it. */
interface Layer {
  /** A path in the repository; the longest that fits a file is its layer. */
  readonly path: string;
  /** Folders or files of the same workspace, `@shoal/…`, packages, `node:*`. */
  readonly may: readonly string[];
}

/** Ports, and the public contract that the layers implement between them. */
const peerWide = ['@shoal/shared', 'peer/src/ports', 'peer/src/api.ts', 'peer/src/media.ts'];
const nodeWide = ['@shoal/shared', '@shoal/peer', 'node:*', 'node-peer/src'];

const LAYERS: readonly Layer[] = [
  { path: 'shared/src', may: ['valibot', '@msgpack/msgpack', 'js-xxhash', '@noble/hashes', '@noble/ed25519'] },

  { path: 'peer/src', may: [...peerWide, 'peer/src', 'valibot'] },
  { path: 'peer/src/ports', may: ['@shoal/shared'] },
  { path: 'peer/src/wire', may: peerWide },
  { path: 'peer/src/mesh', may: [...peerWide, 'peer/src/wire', 'peer/src/identity.ts'] },
  { path: 'peer/src/store', may: [...peerWide, 'lru-cache', 'valibot'] },
  { path: 'peer/src/data', may: [...peerWide, 'papaparse', 'apache-arrow', 'valibot'] },
  {
    path: 'peer/src/compute',
    may: [
      ...peerWide,
      'peer/src/store',
      'peer/src/data',
      'acorn',
      'acorn-walk',
      'sucrase',
      'comlink',
      'js-xxhash',
      'valibot',
    ],
  },
  {
    path: 'peer/src/router',
    may: [...peerWide, 'peer/src/mesh', 'peer/src/wire', 'peer/src/store', 'peer/src/compute', 'valibot'],
  },
  { path: 'peer/src/adapters', may: [...peerWide, 'simple-peer', 'socket.io-client', 'valibot'] },

  { path: 'signaling-server/src', may: ['@shoal/shared', 'node:*', 'socket.io', 'pino', 'valibot'] },

  { path: 'node-peer/src', may: [...nodeWide, 'commander', 'pino', 'valibot'] },
  { path: 'node-peer/src/adapters', may: [...nodeWide, 'classic-level', 'comlink', 'node-datachannel'] },

  { path: 'web/src', may: ['@shoal/shared', '@shoal/peer', 'web/src', 'preact', '@preact/signals'] },
  { path: 'web/src/adapters', may: ['@shoal/shared', '@shoal/peer', 'web/src/cage', 'idb-keyval', 'comlink'] },
  { path: 'web/src/cage', may: ['@shoal/shared', '@shoal/peer', 'comlink'] },
  { path: 'web/src/model', may: ['@shoal/shared', '@shoal/peer', 'web/src/samples', '@preact/signals'] },
  { path: 'web/src/samples', may: [] },
  { path: 'web/src/views', may: ['web/src/model', 'web/src/widgets', 'web/src/samples', 'preact', '@preact/signals'] },
  {
    path: 'web/src/widgets',
    may: ['web/src/model', 'preact', '@preact/signals', 'codemirror', '@codemirror/*', '@lezer/*', 'uplot', 'uqr'],
  },
];

/** Large libraries are fetched when first needed: reached by `import()`, or as types, only. */
const LAZY = ['apache-arrow', 'papaparse', 'sucrase', 'acorn', 'acorn-walk', 'codemirror', '@codemirror/*'];

interface Import {
  readonly file: string;
  /** A path of the repository for relative ones; else as written. */
  readonly target: string;
  readonly isDynamic: boolean;
  readonly isType: boolean;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [field: string]: unknown;
}

interface Source {
  readonly file: string;
  readonly text: string;
  readonly nodes: Node;
}

const sources: readonly Source[] = WORKSPACES.flatMap((workspace) => [
  ...sourceFiles(join(root, workspace, 'src')),
]).map((path) => {
  const text = readFileSync(path, 'utf8');
  return { file: relative(root, path), text, nodes: parseSync(path, text).program as unknown as Node };
});
const imports = sources.flatMap((source) => importsOf(source));

describe('the architecture', () => {
  test('lets each layer import only what its table row names', () => {
    expect(imports.filter((edge) => !isAllowed(edge)).map(showEdge)).toEqual([]);
  });

  test('fetches large libraries only when they are needed', () => {
    const early = imports.filter((edge) => isIn(LAZY, edge.target) && !edge.isDynamic && !edge.isType);

    expect(early.filter((edge) => !isLoadedLazily(edge.file)).map(showEdge)).toEqual([]);
  });

  test('lets the simulator make members as programs do', () => {
    const simulator = [...sourceFiles(join(root, 'test/sim'))].filter((path) => !path.endsWith('.test.ts'));
    const taken = simulator.flatMap((path) => {
      const text = readFileSync(path, 'utf8');
      return [...text.matchAll(/^import (type )?([^;]*?) from '([^']*\bpeer\b[^']*)';/gm)].flatMap(
        ([, type, names = '', target = '']) =>
          type !== undefined || target.includes('peer/src/adapters/memory/') || onlyCreatesPeers(names, target)
            ? []
            : [`${relative(root, path)} imports ${names} of ${target}`],
      );
    });

    expect(simulator.length).toBeGreaterThan(20);
    expect(taken).toEqual([]);
  });

  test('declares in each package.json what its sources import', () => {
    const undeclared = imports.filter((edge) => {
      const name = packageOf(edge.target);
      return name !== undefined && !declaredBy(edge.file.split('/')[0] ?? '').has(name);
    });

    expect(undeclared.map(showEdge)).toEqual([]);
  });

  test(`keeps files to ${LINES_MOST} lines`, () => {
    const long = sources.map(({ file, text }) => ({ file, lines: text.trimEnd().split('\n').length }));

    expect(long.filter(({ lines }) => lines > LINES_MOST)).toEqual([]);
  });

  test(`keeps functions to ${FUNCTION_LINES_MOST} lines of their own`, () => {
    expect(sources.flatMap((source) => longFunctions(source))).toEqual([]);
  });

  test('begins each file with why it exists', () => {
    expect(sources.filter(({ text }) => !/^(\/\/|\/\*)/.test(text)).map(({ file }) => file)).toEqual([]);
  });
});

function* sourceFiles(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sourceFiles(path);
    else if (/\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts')) yield path;
  }
}

function* nodesOf(value: unknown): Generator<Node> {
  if (Array.isArray(value)) for (const item of value) yield* nodesOf(item);
  else if (typeof value === 'object' && value !== null) {
    if ('type' in value && typeof value.type === 'string') yield value as Node;
    for (const inner of Object.values(value)) yield* nodesOf(inner);
  }
}

function importsOf({ file, nodes }: Source): readonly Import[] {
  const found: Import[] = [];
  for (const node of nodesOf(nodes)) {
    const source = node['source'];
    if (!isImport(node) || typeof source !== 'object' || source === null || !('value' in source)) continue;
    const written = String(source.value).replace(/\?.*$/, '');
    found.push({
      file,
      target: written.startsWith('.') ? normalize(join(dirname(file), written)) : written,
      isDynamic: node.type === 'ImportExpression',
      isType: node['importKind'] === 'type' || node['exportKind'] === 'type' || node.type === 'TSImportType',
    });
  }
  return found;
}

function isImport(node: Node): boolean {
  return /^(ImportDeclaration|ImportExpression|TSImportType|ExportNamedDeclaration|ExportAllDeclaration)$/.test(
    node.type,
  );
}

function isAllowed({ file, target }: Import): boolean {
  const layer = layerOf(file);
  // A stylesheet or another asset beside the code belongs to it.
  if (layer === undefined || /\.(css|svg|json)$/.test(target)) return layer !== undefined;
  return isIn([...layer.may, ...ownFolder(layer)], target);
}

/** A layer's own files; those of layers below it are not its own. */
function ownFolder(layer: Layer): readonly string[] {
  return layer.may.includes(layer.path) ? [] : [layer.path];
}

function layerOf(file: string): Layer | undefined {
  const fitting = LAYERS.filter((layer) => file.startsWith(`${layer.path}/`));
  return fitting.sort((a, b) => b.path.length - a.path.length)[0];
}

function isIn(names: readonly string[], target: string): boolean {
  return names.some((name) =>
    name.endsWith('*') ? target.startsWith(name.slice(0, -1)) : target === name || target.startsWith(`${name}/`),
  );
}

/** Modules that are themselves reached by `import()` only: their imports do not load early. */
function isLoadedLazily(file: string): boolean {
  const users = imports.filter((edge) => edge.target === file && !edge.isType);
  return users.length > 0 && users.every((edge) => edge.isDynamic || isLoadedLazily(edge.file));
}

/** Beside types. */
function onlyCreatesPeers(names: string, target: string): boolean {
  const values = names
    .replaceAll(/[{}]/g, '')
    .split(',')
    .map((name) => name.trim());
  return (
    target === '@shoal/peer' && values.every((name) => ['', 'createPeer'].includes(name) || name.startsWith('type '))
  );
}

function packageOf(target: string): string | undefined {
  if (target.startsWith('node:') || WORKSPACES.some((name) => target.startsWith(`${name}/`))) return undefined;
  if (builtinModules.includes(target)) return `node:${target}`;
  return target.startsWith('@') ? target.split('/').slice(0, 2).join('/') : target.split('/')[0];
}

function declaredBy(workspace: string): ReadonlySet<string> {
  const manifest: unknown = JSON.parse(readFileSync(join(root, workspace, 'package.json'), 'utf8'));
  const { dependencies = {} } = manifest as { readonly dependencies?: Readonly<Record<string, string>> };
  return new Set(Object.keys(dependencies));
}

function longFunctions({ file, text, nodes }: Source): readonly string[] {
  const isFunction = (node: Node): boolean =>
    /^(Function(Declaration|Expression)|ArrowFunctionExpression)$/.test(node.type);
  const written = text.split('\n');
  const isCode = (line: string): boolean => !/^\s*($|\/\/|\/?\*)/.test(line);
  const lineOf = (offset: number): number => text.slice(0, offset).split('\n').length;
  return [...nodesOf(nodes)].filter(isFunction).flatMap((node) => {
    const lines = new Set<number>();
    for (let line = lineOf(node.start); line <= lineOf(node.end); line += 1) lines.add(line);
    for (const inner of nodesOf(Object.values(node))) {
      if (!isFunction(inner)) continue;
      for (let line = lineOf(inner.start) + 1; line < lineOf(inner.end); line += 1) lines.delete(line);
    }
    const own = [...lines].filter((line) => isCode(written[line - 1] ?? '')).length;
    return own > FUNCTION_LINES_MOST ? [`${file}:${lineOf(node.start)} has ${own} lines`] : [];
  });
}

function showEdge({ file, target }: Import): string {
  return `${file} imports ${target}`;
}
