// Rows of the table as bytes, for signaling and for the registrar's file: 4,096 slots in some 50 KB,
// because members and copies stand in dictionaries and a row is a few small integers.

import { decode, encode } from '@msgpack/msgpack';
import type { Configuration, Copy } from './configuration.ts';
import { parseIncarnation, parsePeerId, type PeerId } from './ids.ts';
import { fromHex, toHex } from './identity.ts';
import type { Slot } from './slot.ts';

const FORM = 1;
const SETTLED = 1;
/** Slots that a table may have; copies, now and dropped, that a row may have. */
const ROWS_MOST = 65_536;
const COPIES_MOST = 64;

/** Gives each different thing a number, in order of appearance. */
function createDictionary<T>(name: (item: T) => string) {
  const numbers = new Map<string, number>();
  const items: T[] = [];
  return {
    items,
    numberOf(item: T): number {
      const known = numbers.get(name(item));
      if (known !== undefined) return known;
      numbers.set(name(item), items.length);
      return items.push(item) - 1;
    },
  };
}

export function encodeRows(rows: readonly Configuration[]): Uint8Array {
  const members = createDictionary<PeerId>((id) => id);
  const copies = createDictionary<Copy>((copy) => `${copy.member}${copy.incarnation}${copy.durability}`);
  const numbers: number[] = [];
  for (const row of rows) {
    const { slot, epoch, emptyBefore, owner, settled } = row;
    numbers.push(slot, epoch, emptyBefore, settled ? SETTLED : 0, members.numberOf(owner));
    for (const list of [row.copies, row.dropped]) {
      numbers.push(list.length);
      for (const copy of list) numbers.push(copies.numberOf(copy));
    }
  }
  const copyFields = copies.items.map((copy) => [
    members.numberOf(copy.member),
    fromHex(copy.incarnation),
    copy.durability === 'strict' ? 1 : 0,
  ]);
  return encode([FORM, members.items.map((id) => fromHex(id)), copyFields, rows.length, numbers]);
}

/** `undefined` for bytes that are no rows. */
export function decodeRows(bytes: Uint8Array): readonly Configuration[] | undefined {
  let fields: unknown;
  try {
    fields = decode(bytes);
  } catch {
    return undefined;
  }
  if (!Array.isArray(fields) || fields.length !== 5) return undefined;
  const [form, memberBytes, copyFields, count, numbers]: readonly unknown[] = fields;
  if (form !== FORM || typeof count !== 'number' || count > ROWS_MOST) return undefined;
  const members = readAll(memberBytes, (item) => parsePeerId(hexOf(item)));
  const copies = readAll(copyFields, (item) => readCopy(item, members ?? []));
  const uints = readAll(numbers, (item) => (isUint32(item) ? item : undefined));
  if (members === undefined || copies === undefined || uints === undefined) return undefined;
  return readRows(createReader(uints), count, { members, copies });
}

/** Every item read, or `undefined` if one can't be, or if there is no list. */
function readAll<T>(list: unknown, read: (item: unknown) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const items: T[] = [];
  for (const item of list) {
    const value = read(item);
    if (value === undefined) return undefined;
    items.push(value);
  }
  return items;
}

function readCopy(item: unknown, members: readonly PeerId[]): Copy | undefined {
  if (!Array.isArray(item) || item.length !== 3) return undefined;
  const [memberNumber, incarnationBytes, strict]: readonly unknown[] = item;
  const member = isUint32(memberNumber) ? members[memberNumber] : undefined;
  const incarnation = parseIncarnation(hexOf(incarnationBytes));
  if (member === undefined || incarnation === undefined || (strict !== 0 && strict !== 1)) return undefined;
  return { member, incarnation, durability: strict === 1 ? 'strict' : 'relaxed' };
}

interface Reader {
  /** -1 behind the end: no field has it. */
  next(): number;
  atEnd(): boolean;
}

function createReader(numbers: readonly number[]): Reader {
  let at = 0;
  return {
    next: () => numbers[at++] ?? -1,
    atEnd: () => at === numbers.length,
  };
}

interface Dictionaries {
  readonly members: readonly PeerId[];
  readonly copies: readonly Copy[];
}

function readRows(reader: Reader, count: number, names: Dictionaries): readonly Configuration[] | undefined {
  const rows: Configuration[] = [];
  for (let i = 0; i < count; i += 1) {
    const row = readRow(reader, names);
    if (row === undefined) return undefined;
    rows.push(row);
  }
  return reader.atEnd() ? rows : undefined;
}

function readRow(reader: Reader, names: Dictionaries): Configuration | undefined {
  const slot = reader.next();
  const epoch = reader.next();
  const emptyBefore = reader.next();
  const flags = reader.next();
  const owner = names.members[reader.next()];
  const copies = readCopies(reader, names);
  const dropped = copies === undefined ? undefined : readCopies(reader, names);
  if (owner === undefined || copies === undefined || dropped === undefined) return undefined;
  if (slot >= ROWS_MOST || flags > SETTLED) return undefined;
  return { slot: slot as Slot, epoch, owner, copies, dropped, settled: flags === SETTLED, emptyBefore };
}

function readCopies(reader: Reader, names: Dictionaries): readonly Copy[] | undefined {
  const count = reader.next();
  if (count < 0 || count > COPIES_MOST) return undefined;
  const copies: Copy[] = [];
  for (let i = 0; i < count; i += 1) {
    const copy = names.copies[reader.next()];
    if (copy === undefined) return undefined;
    copies.push(copy);
  }
  return copies;
}

function isUint32(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 0xffff_ffff;
}

function hexOf(value: unknown): string | undefined {
  return value instanceof Uint8Array ? toHex(value) : undefined;
}
