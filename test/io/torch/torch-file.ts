import { deflateRawSync, crc32 as nodeCrc32 } from 'node:zlib';

/**
 * Writes torch files by hand, sound and unsound ones: a pickle assembled from opcodes, and a zip archive whose
 * headers may lie. Independent of the code under test.
 */

type Bytes = Uint8Array;

/** Raw bytes; text is Latin-1. */
export type Part = Bytes | readonly number[] | string;

export function bytes(...parts: readonly Part[]): Bytes {
  return new Uint8Array(
    Buffer.concat(
      parts.map((part) =>
        typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part),
      ),
    ),
  );
}

export function u32(value: number): Bytes {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
}

export function u64(value: number | bigint): Bytes {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value));
  return out;
}

function u16(value: number): Bytes {
  const out = Buffer.alloc(2);
  out.writeUInt16LE(value);
  return out;
}

// Pickle values, as the opcodes that push them.

export function text(value: string): Bytes {
  const utf8 = Buffer.from(value);
  return bytes('X', u32(utf8.length), utf8);
}

export function int(value: number): Bytes {
  if (value > 0x7fffffff) return bytes([0x8a, 8], u64(value));
  return bytes('J', u32(value >>> 0));
}

export function float(value: number): Bytes {
  const out = Buffer.alloc(8);
  out.writeDoubleBE(value);
  return bytes('G', out);
}

export function tuple(...items: readonly Bytes[]): Bytes {
  return bytes('(', ...items, 't');
}

export function list(...items: readonly Bytes[]): Bytes {
  return bytes('](', ...items, 'e');
}

export function dict(entries: Readonly<Record<string, Bytes>>): Bytes {
  return bytes('}(', ...Object.entries(entries).flatMap(([k, v]) => [text(k), v]), 'u');
}

export function global(module: string, name: string): Bytes {
  return bytes(`c${module}\n${name}\n`);
}

export function call(callable: Bytes, ...args: readonly Bytes[]): Bytes {
  return bytes(callable, tuple(...args), 'R');
}

export interface TensorSpec {
  readonly key: string;
  readonly type?: string;
  readonly numel: number;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  /** Legacy: (key, offset, size) of a storage that is part of another. */
  readonly view?: Bytes;
}

export function tensor({
  key,
  type = 'Float',
  numel,
  offset = 0,
  shape,
  strides,
  view,
}: TensorSpec): Bytes {
  const id = tuple(
    text('storage'),
    global('torch', `${type}Storage`),
    text(key),
    text('cpu'),
    int(numel),
    ...(view ? [view] : []),
  );
  return call(
    global('torch._utils', '_rebuild_tensor_v2'),
    bytes(id, 'Q'),
    int(offset),
    tuple(...shape.map(int)),
    tuple(...strides.map(int)),
    bytes([0x89]),
    call(global('collections', 'OrderedDict')),
  );
}

export function pickle(value: Bytes, protocol = 2): Bytes {
  return bytes([0x80, protocol], value, '.');
}

// Zip archives.

export interface ZipRecord {
  readonly name: string;
  readonly data: Bytes;
  readonly deflate?: boolean;
  /** Wrong values for both headers. */
  readonly claimedBytes?: number;
  readonly flags?: number;
}

/** A zip archive; records are stored unless they say `deflate`. */
export function zip(
  records: readonly ZipRecord[],
  { entryCount }: { entryCount?: number } = {},
): Bytes {
  const parts: Bytes[] = [];
  const central: Bytes[] = [];
  let position = 0;
  for (const { name, data, deflate = false, claimedBytes, flags = 0x800 } of records) {
    const stored = deflate ? deflateRawSync(data, { level: 9 }) : data;
    const sizes = bytes(
      u32(crc(data)),
      u32(deflate ? stored.byteLength : (claimedBytes ?? data.byteLength)),
      u32(claimedBytes ?? data.byteLength),
      u16(Buffer.byteLength(name)),
    );
    const head = bytes(u16(0), u16(flags), u16(deflate ? 8 : 0), u16(0), u16(0), sizes);
    const local = bytes('PK\x03\x04', head, u16(0), name, stored);
    central.push(
      bytes(
        'PK\x01\x02',
        u16(0),
        head,
        u16(0),
        u16(0),
        u16(0),
        u16(0),
        u32(0),
        u32(position),
        name,
      ),
    );
    parts.push(local);
    position += local.byteLength;
  }
  const directory = bytes(...central);
  const count = entryCount ?? records.length;
  const end = bytes(
    'PK\x05\x06',
    u16(0),
    u16(0),
    u16(count),
    u16(count),
    u32(directory.byteLength),
    u32(position),
    u16(0),
  );
  return bytes(...parts, directory, end);
}

/** A torch archive of a pickle and its storages. */
export function torchZip(
  value: Bytes,
  storages: Readonly<Record<string, Bytes>> = {},
  extra: readonly ZipRecord[] = [],
): Bytes {
  return zip([
    { name: 'archive/data.pkl', data: pickle(value) },
    ...Object.entries(storages).map(([key, data]) => ({ name: `archive/data/${key}`, data })),
    ...extra,
  ]);
}

/** A legacy torch file. Storages are given as element count and bytes, in the order of their keys. */
export function torchLegacy(
  value: Bytes,
  storages: readonly (readonly [key: string, count: number, data: Bytes])[] = [],
): Bytes {
  const magic = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
  return bytes(
    pickle(bytes(magic)),
    pickle(int(1001)),
    pickle(dict({ protocol_version: int(1001), little_endian: bytes([0x88]) })),
    pickle(value),
    pickle(list(...storages.map(([key]) => text(key)))),
    ...storages.flatMap(([, count, data]) => [u64(count), data]),
  );
}

export function floats(...values: readonly number[]): Bytes {
  return new Uint8Array(new Float32Array(values).buffer);
}

function crc(data: Bytes): number {
  if (typeof nodeCrc32 === 'function') return nodeCrc32(data);
  let value = ~0;
  for (const byte of data) {
    value ^= byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return ~value >>> 0;
}
