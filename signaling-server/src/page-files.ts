// The files of the built page: looked up without a way out of their folder, and kept in memory with
// their compressed forms, as often as a file does not change.

import { createHash } from 'node:crypto';
import { readFile, realpath, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};
const COMPRESSIBLE = /^(text\/|application\/(json|manifest)|image\/svg)/;
/** Smaller ones fit into a packet anyway. */
const COMPRESS_FROM_BYTES = 1_024;

export type Encoding = 'br' | 'gzip' | 'identity';

export interface PageFile {
  readonly type: string;
  readonly tag: string;
  readonly bytes: Buffer;
  /** Compressed once, at its first use. */
  encoded(encoding: Encoding): Promise<{ readonly encoding: Encoding; readonly bytes: Buffer }>;
}

export interface PageFiles {
  /** `undefined` for what is no file of the page. `path` as it stands in the URL, from its first slash on. */
  find(path: string): Promise<PageFile | undefined>;
}

export function createPageFiles(folder: string): PageFiles {
  const cache = new Map<string, { readonly stamp: string; readonly file: PageFile }>();
  return {
    async find(path) {
      const parts = partsOf(path);
      if (parts === undefined) return undefined;
      try {
        const root = await realpath(folder);
        const found = await realpath(join(root, ...parts));
        // A link inside the folder may point out of it.
        if (!found.startsWith(root + sep)) return undefined;
        const status = await stat(found);
        if (!status.isFile()) return undefined;
        const stamp = `${status.mtimeMs} ${status.size}`;
        const known = cache.get(found);
        if (known?.stamp === stamp) return known.file;
        const file = createPageFile(await readFile(found), TYPES[extname(found)] ?? 'application/octet-stream');
        cache.set(found, { stamp, file });
        return file;
      } catch (error) {
        if (
          error instanceof Error &&
          'code' in error &&
          /^(ENOENT|ENOTDIR|ENAMETOOLONG|ELOOP)$/.test(String(error.code))
        )
          return undefined;
        throw error;
      }
    },
  };
}

/** Names of folders and file; undefined for a path that no file of the page has. */
function partsOf(path: string): readonly string[] | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(path);
  } catch {
    // A path that is not UTF-8 is not one of ours.
    return undefined;
  }
  const parts = decoded.split('/').slice(1);
  const isName = (part: string): boolean => part !== '' && !part.startsWith('.') && !/[\\:\0]/.test(part);
  return parts.length > 0 && parts.every(isName) ? parts : undefined;
}

function createPageFile(bytes: Buffer, type: string): PageFile {
  const forms = new Map<Encoding, Promise<Buffer>>();
  const isWorthIt = COMPRESSIBLE.test(type) && bytes.length >= COMPRESS_FROM_BYTES;
  return {
    type,
    bytes,
    tag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
    async encoded(wanted) {
      const encoding = isWorthIt ? wanted : 'identity';
      const form = forms.get(encoding) ?? compress(bytes, encoding);
      forms.set(encoding, form);
      return { encoding, bytes: await form };
    },
  };
}

export async function compress(bytes: Buffer, encoding: Encoding): Promise<Buffer> {
  switch (encoding) {
    case 'br':
      return promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } });
    case 'gzip':
      return promisify(gzip)(bytes);
    case 'identity':
      return bytes;
  }
}
