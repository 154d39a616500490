// What MessagePack's decoder would let through: strings that are not UTF-8 (it makes other characters
// of them, so that two spellings would name one key), extension types, and containers that promise
// more items than there are bytes (it makes room for them first). One pass, nothing is built.

const strict = new TextDecoder('utf-8', { fatal: true });

/** Ends a sentence that begins with "The head of a get frame"; `undefined` if nothing is wrong. */
export function scanHead(bytes: Uint8Array): string | undefined {
  const end = bytes.length;
  let at = 0;
  // Items that containers have promised: each token is one of them and may promise more.
  let owed = 1;
  while (owed > 0) {
    if (owed > end - at) return 'is cut off';
    const token = bytes[at] ?? 0;
    const layout = layouts[token];
    if (layout === undefined) return 'has a type that frames do not use';
    const start = at + 1 + layout.sizeBytes;
    if (start > end) return 'is cut off';
    const size = layout.sizeBytes === 0 ? layout.size : readSize(bytes, at + 1, layout.sizeBytes);
    owed += layout.items * size - 1;
    at = start + layout.bytes * size;
    if (at > end) return 'is cut off';
    if (layout.text && !isUtf8(bytes, start, at)) return 'has a string that is not UTF-8';
  }
  return at === end ? undefined : 'has something behind its end';
}

interface TokenLayout {
  /** Of the field behind the token that says how many; 0 if the token itself says it. */
  readonly sizeBytes: number;
  readonly size: number;
  /** For each of that size: how many bytes follow, how many items are promised. */
  readonly bytes: number;
  readonly items: number;
  readonly text: boolean;
}

const plain: TokenLayout = { sizeBytes: 0, size: 0, bytes: 0, items: 0, text: false };

function layoutOf(token: number): TokenLayout | undefined {
  if (token < 0x80 || token >= 0xe0) return plain;
  if (token < 0x90) return { ...plain, size: token - 0x80, items: 2 };
  if (token < 0xa0) return { ...plain, size: token - 0x90, items: 1 };
  if (token < 0xc0) return { ...plain, size: token - 0xa0, bytes: 1, text: true };
  return namedLayouts[token];
}

const fixed = (size: number): TokenLayout => ({ ...plain, size, bytes: 1 });
const bin = (sizeBytes: number): TokenLayout => ({ ...plain, sizeBytes, bytes: 1 });
const str = (sizeBytes: number): TokenLayout => ({ ...plain, sizeBytes, bytes: 1, text: true });
const list = (sizeBytes: number, items: number): TokenLayout => ({ ...plain, sizeBytes, items });

/** nil, false, true; bin; float 32 and 64; uint and int 8 to 64; str; array; map. */
const namedLayouts: Readonly<Record<number, TokenLayout>> = {
  0xc0: plain,
  0xc2: plain,
  0xc3: plain,
  0xc4: bin(1),
  0xc5: bin(2),
  0xc6: bin(4),
  0xca: fixed(4),
  0xcb: fixed(8),
  0xcc: fixed(1),
  0xcd: fixed(2),
  0xce: fixed(4),
  0xcf: fixed(8),
  0xd0: fixed(1),
  0xd1: fixed(2),
  0xd2: fixed(4),
  0xd3: fixed(8),
  0xd9: str(1),
  0xda: str(2),
  0xdb: str(4),
  0xdc: list(2, 1),
  0xdd: list(4, 1),
  0xde: list(2, 2),
  0xdf: list(4, 2),
};

/** By the token's byte; `undefined` for those that frames do not use. */
const layouts: readonly (TokenLayout | undefined)[] = Array.from({ length: 256 }, (_, token) => layoutOf(token));

function readSize(bytes: Uint8Array, at: number, sizeBytes: number): number {
  let size = 0;
  for (let i = 0; i < sizeBytes; i += 1) size = size * 256 + (bytes[at + i] ?? 0);
  return size;
}

function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && (bytes[at] ?? 0) < 0x80) at += 1;
  if (at === end) return true;
  try {
    strict.decode(bytes.subarray(at, end));
    return true;
  } catch {
    return false;
  }
}
