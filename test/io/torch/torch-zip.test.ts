import { open, truncate } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { WeightsError } from '../../../core/errors.js';
import { openWeights } from '../../../weights/open.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import {
  bytes,
  call,
  dict,
  floats,
  global,
  int,
  pickle,
  tensor,
  text,
  torchZip,
  tuple,
  u32,
  u64,
  zip,
  type TensorSpec,
} from './torch-file.js';

const { put, path } = temporaryFolder();

/** Values of one tensor of a file. */
async function read(file: string, name: string): Promise<unknown> {
  const source = await openWeights(file);
  try {
    return await source.tensors.get(name)?.read();
  } finally {
    await source.close();
  }
}

/** A view of the storage 0, 1, 2, … under the name `t`. */
async function view(spec: Omit<TensorSpec, 'key' | 'numel'>, numel = 12): Promise<unknown> {
  const value = dict({ t: tensor({ key: '0', numel, ...spec }) });
  const data = floats(...Array.from({ length: numel }, (_, i) => i));
  return read(await put('view.pt', torchZip(value, { 0: data })), 't');
}

test('views are gathered by strides and offsets', async () => {
  expect(await view({ shape: [3, 4], strides: [4, 1] })).toEqual(
    Float32Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11),
  );
  expect(await view({ shape: [2, 3], strides: [1, 4], offset: 1 })).toEqual(
    Float32Array.of(1, 5, 9, 2, 6, 10),
  );
  expect(await view({ shape: [3], strides: [5], offset: 1 })).toEqual(Float32Array.of(1, 6, 11));
  expect(await view({ shape: [2, 2], strides: [0, 3] })).toEqual(Float32Array.of(0, 3, 0, 3));
  expect(await view({ shape: [], strides: [], offset: 11 })).toEqual(Float32Array.of(11));
  expect(await view({ shape: [0, 4], strides: [4, 1] })).toEqual(new Float32Array());
  expect(await view({ shape: [1, 3], strides: [99, 1] })).toEqual(Float32Array.of(0, 1, 2));
});

test.each([
  ['ends outside', { shape: [13], strides: [1] }],
  ['starts outside', { shape: [1], strides: [1], offset: 12 }],
  ['strides outside', { shape: [2, 2], strides: [11, 1] }],
])('a view that %s its storage is an error', async (_, spec) => {
  await expect(view(spec)).rejects.toThrow('expected a view within 48 bytes');
});

test('a small storage cannot be expanded to fill the memory', async () => {
  await expect(view({ shape: [2 ** 30], strides: [0] })).rejects.toThrow(
    'expected at most 1 elements',
  );
  await expect(view({ shape: [2 ** 30, 2 ** 30], strides: [0, 0] })).rejects.toThrow(
    'natural numbers',
  );
});

test('untyped storages take the dtype of the tensor', async () => {
  const id = tuple(
    text('storage'),
    global('torch.storage', 'UntypedStorage'),
    text('0'),
    text('cpu'),
    int(8),
  );
  const value = call(
    global('torch._utils', '_rebuild_tensor_v3'),
    bytes(id, 'Q'),
    int(1),
    tuple(int(2)),
    tuple(int(1)),
    bytes([0x89]),
    call(global('collections', 'OrderedDict')),
    global('torch', 'int16'),
  );
  const data = new Uint8Array(Int16Array.of(1, -2, 3, 4).buffer);
  expect(await read(await put('v3.pt', torchZip(dict({ t: value }), { 0: data })), 't')).toEqual(
    Int16Array.of(-2, 3),
  );
});

test('the byte order record decides how elements are read', async () => {
  const value = dict({ t: tensor({ key: '0', numel: 1, shape: [1], strides: [1] }) });
  const file = (order: string, data: Uint8Array) =>
    torchZip(value, { 0: data }, [{ name: 'archive/byteorder', data: Buffer.from(order) }]);
  expect(await read(await put('l.pt', file('little', floats(1.5))), 't')).toEqual(
    Float32Array.of(1.5),
  );
  const swapped = floats(1.5).reverse();
  expect(await read(await put('b.pt', file('big', swapped)), 't')).toEqual(Float32Array.of(1.5));
  await expect(read(await put('m.pt', file('middle', swapped)), 't')).rejects.toThrow(
    'byte order little or big, got "middle"',
  );
});

test('a deflated archive is read, too', async () => {
  const value = dict({ t: tensor({ key: '0', numel: 3, shape: [2], strides: [1], offset: 1 }) });
  const file = zip([
    { name: 'x/data.pkl', data: pickle(value), deflate: true },
    { name: 'x/data/0', data: floats(1, 2, 3), deflate: true },
  ]);
  expect(await read(await put('deflated.pt', file), 't')).toEqual(Float32Array.of(2, 3));
});

test('a tensor alone and plain values next to tensors', async () => {
  const alone = tensor({ key: '0', numel: 1, shape: [], strides: [] });
  expect(await read(await put('alone.pt', torchZip(alone, { 0: floats(4) })), 'tensor')).toEqual(
    Float32Array.of(4),
  );
  const source = await openWeights(
    await put(
      'plain.pt',
      torchZip(dict({ epoch: int(7), model: dict({ w: alone }) }), { 0: floats(4) }),
    ),
  );
  expect(source.plain).toEqual({ epoch: 7 });
  expect([...source.tensors.keys()]).toEqual(['model.w']);
  await source.close();
});

test('a storage beyond 4 GiB is read by its range, with the long form of zip headers', async () => {
  const fillerBytes = 2 ** 32 + 2 ** 28;
  const value = pickle(dict({ t: tensor({ key: '1', numel: 2, shape: [2], strides: [1] }) }));
  const max = [0xff, 0xff, 0xff, 0xff];
  /** Header fields from the flags on; sizes are in the extra field where they are long. */
  const head = (size: number, name: string, extra: Uint8Array) =>
    bytes(
      [0, 8, 0, 0, 0, 0, 0, 0],
      u32(0),
      extra.length ? max : u32(size),
      extra.length ? max : u32(size),
      [name.length, 0, extra.length, 0],
    );
  const records: { name: string; size: number; data: Uint8Array; position: number }[] = [
    { name: 'a/data.pkl', size: value.length, data: value, position: 0 },
    { name: 'a/data/0', size: fillerBytes, data: bytes(), position: 0 },
    { name: 'a/data/1', size: 8, data: floats(1.5, -2), position: 0 },
  ];
  const file = path('huge.pt');
  const handle = await open(file, 'w');
  let position = 0;
  for (const record of records) {
    const extra =
      record.size > 2 ** 31 ? bytes([1, 0, 16, 0], u64(record.size), u64(record.size)) : bytes();
    const local = bytes(
      'PK\x03\x04',
      [45, 0],
      head(record.size, record.name, extra),
      record.name,
      extra,
      record.data,
    );
    record.position = position;
    await handle.write(local, 0, local.length, position);
    position += local.length - record.data.length + record.size;
  }
  const directory = bytes(
    ...records.map(({ name, size, position: at }) => {
      const long = size > 2 ** 31 || at > 2 ** 31;
      const extra = long ? bytes([1, 0, 24, 0], u64(size), u64(size), u64(at)) : bytes();
      return bytes(
        'PK\x01\x02',
        [45, 0, 45, 0],
        head(size, name, extra),
        Array<number>(10).fill(0),
        long ? max : u32(at),
        name,
        extra,
      );
    }),
  );
  const end64 = bytes(
    'PK\x06\x06',
    u64(44),
    [45, 0, 45, 0],
    u32(0),
    u32(0),
    u64(3),
    u64(3),
    u64(directory.length),
    u64(position),
  );
  const locator = bytes('PK\x06\x07', u32(0), u64(position + directory.length), u32(1));
  const end = bytes('PK\x05\x06', [0, 0, 0, 0, 3, 0, 3, 0], max, max, [0, 0]);
  const tail = bytes(directory, end64, locator, end);
  await handle.write(tail, 0, tail.length, position);
  await handle.close();
  expect(await read(file, 't')).toEqual(Float32Array.of(1.5, -2));
  await truncate(file, 0);
});

const sound = dict({ t: tensor({ key: '0', numel: 1, shape: [1], strides: [1] }) });
const bomb = zip([{ name: 'a/data.pkl', data: new Uint8Array(100_000_000), deflate: true }]);
const storageBomb = zip([
  { name: 'a/data.pkl', data: pickle(sound) },
  { name: 'a/data/0', data: floats(1), deflate: true, claimedBytes: 300_000_000 },
]);
const damaged: [string, Uint8Array, RegExp][] = [
  ['a zip bomb as pickle', bomb, /"data\.pkl" to take at most 67108864 bytes, got 100000000/],
  [
    'a zip bomb as storage',
    storageBomb,
    /"data\/0" to hold at most 268435456 bytes, got 300000000/,
  ],
  [
    'a bomb that claims to be small',
    zip([
      { name: 'a/data.pkl', data: new Uint8Array(100_000_000), deflate: true, claimedBytes: 100 },
    ]),
    /too many bytes in the stream/,
  ],
  ['a program', torchZip(call(global('os', 'system'), text('x'))), /got os\.system/],
  [
    'a record longer than the file',
    zip([{ name: 'a/data.pkl', data: bytes('N.'), claimedBytes: 9999 }]),
    /got/,
  ],
  ['a missing storage', torchZip(sound), /expected record "data\/0", got none/],
  [
    'a short storage',
    torchZip(sound, { 0: bytes([1, 2]) }),
    /expected a storage of 4 bytes, got 2/,
  ],
  ['a cut archive', torchZip(sound, { 0: floats(1) }).slice(0, -30), /end of central directory/i],
  ['a cut head', torchZip(sound, { 0: floats(1) }).slice(0, 20), /end of central directory/i],
  [
    'a zip of something else',
    zip([{ name: 'a.txt', data: bytes('x') }]),
    /one NAME\/data\.pkl, got a zip of \[a\.txt…\] \(save the weights/,
  ],
  [
    'a zip of zips',
    zip([{ name: 'lib 0.zip', data: zip([]) }]),
    /got a zip of \[lib 0\.zip…\] \(unpack it first\)/,
  ],
  [
    'a name that is no UTF-8',
    zip([{ name: 'a\xff\xfe/x', data: bytes('N.'), flags: 0x800 }]),
    /one NAME\/data\.pkl, got a zip of \[a/,
  ],
  ['an absolute name', zip([{ name: '/etc/data.pkl', data: bytes('N.') }]), /absolute path/],
  [
    'two pickles',
    zip([0, 1].map((i) => ({ name: `${i}/data.pkl`, data: bytes('N.') }))),
    /one NAME\/data\.pkl/,
  ],
  [
    'the same record twice',
    torchZip(sound, { 0: floats(1) }, [{ name: 'archive/data/0', data: floats(2) }]),
    /"data\/0" once/,
  ],
  [
    'a frozen TorchScript program',
    torchZip(sound, {}, [
      { name: 'archive/constants.pkl', data: bytes('N.') },
      { name: 'archive/constants/0', data: floats(1) },
    ]),
    /frozen TorchScript/,
  ],
  [
    'an encrypted record',
    zip([{ name: 'a/data.pkl', data: bytes('N.'), deflate: true, flags: 1 }]),
    /stored or deflated, got an encrypted one \(unpack/,
  ],
  [
    'a path that climbs',
    zip([{ name: '../data.pkl', data: bytes('N.') }]),
    /invalid relative path/,
  ],
  [
    'a wrong number of records',
    zip([{ name: 'a/data.pkl', data: bytes('N.') }], { entryCount: 40_000 }),
    /got/,
  ],
  [
    'a bare storage',
    torchZip(
      bytes(
        tuple(text('storage'), global('torch', 'FloatStorage'), text('0'), text('cpu'), int(1)),
        'Q',
      ),
    ),
    /got a storage/,
  ],
  [
    'a reference to something else',
    torchZip(bytes(tuple(text('module'), text('x')), 'Q')),
    /reference to a storage/,
  ],
  [
    'a name over two lines',
    torchZip(dict({ 'a\nb': tensor({ key: '0', numel: 1, shape: [1], strides: [1] }) }), {
      0: floats(1),
    }),
    /printable characters/,
  ],
  ['a call of a text', torchZip(call(text('a\nb'))), /got string a\\u000ab/],
  [
    'a negative size',
    torchZip(dict({ t: tensor({ key: '0', numel: 1, shape: [-1], strides: [1] }) })),
    /natural numbers/,
  ],
];

test.each(damaged)('%s is a WeightsError of one line', async (_, data, message) => {
  const file = await put('damaged.pt', data);
  const error = (await read(file, 't').catch((caught: unknown) => caught)) as Error;
  expect(error).toBeInstanceOf(WeightsError);
  expect(error.message).toMatch(message);
  expect(error.message).not.toContain('\n');
  expect(error.message).toContain(file);
});

test.each([
  ['an empty file', '', /got an empty file/],
  ['a web page', '<!DOCTYPE html><html>…', /got a web page/],
  ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\n', /Git LFS pointer/],
  ['a gzip file', bytes([0x1f, 0x8b, 8]), /gzip/],
  ['an xz file', bytes([0xfd], '7zXZ', [0, 0]), /an xz file \(unpack it first\)/],
  ['a tar archive', bytes(new Uint8Array(257), 'ustar', [0]), /a tar archive \(unpack it first\)/],
  ['an empty zip archive', zip([]), /an empty zip archive \(fetch/],
  ['something else', bytes([1, 2, 3]), /begins with 01 02 03/],
])('%s is rejected by its first bytes', async (_, data, message) => {
  await expect(openWeights(await put('magic.pt', data))).rejects.toThrow(message);
});

test('a missing file and a folder are errors that name the path', async () => {
  await expect(openWeights(path('absent.pt'))).rejects.toThrow(/absent\.pt: .*got ENOENT/);
  await expect(openWeights(path('.'))).rejects.toThrow(WeightsError);
});

test('any damage of the end of an archive, also in its long form, is a WeightsError', async () => {
  const value = dict({ t: tensor({ key: '0', numel: 1, shape: [1], strides: [1] }) });
  const sound = torchZip(value, { 0: floats(1) });
  const start = sound.length - 22;
  const directory = Buffer.from(sound).readUInt32LE(start + 16);
  const long = bytes(
    sound.subarray(0, start),
    ...['PK\x06\x06', u64(44), [45, 0, 45, 0], u32(0), u32(0)],
    ...[u64(3), u64(sound[start + 10]), u64(start - directory), u64(directory)],
    ...['PK\x06\x07', u32(0), u64(start), u32(1)],
    ...['PK\x05\x06', [0, 0, 0, 0, 255, 255, 255, 255], Array<number>(8).fill(255), [0, 0]],
  );
  expect(await read(await put('long.pt', long), 't')).toEqual(Float32Array.of(1));
  for (const whole of [sound, long])
    for (let at = directory; at < whole.length; at++)
      for (const flip of [0xff, 0x80, 1]) {
        const copy = whole.slice();
        copy[at] ^= flip;
        const failure: unknown = await read(await put('flip.pt', copy), 't').catch(
          (error: unknown) => error,
        );
        if (failure instanceof Error) expect(failure, `byte ${at}`).toBeInstanceOf(WeightsError);
      }
  for (let length = 0; length < long.length; length += 7)
    await expect(read(await put('cut.pt', long.slice(0, length)), 't')).rejects.toThrow(
      WeightsError,
    );
}, 60_000);

test('records that share their bytes, and those that inflate to far more than they are, are refused before they are read', async () => {
  const many = (deflate: boolean): Uint8Array => {
    const data = new Uint8Array(deflate ? 2 ** 25 : 2 ** 12);
    const one = Buffer.from(zip([{ name: '00.npy', data, deflate }]));
    const start = one.readUInt32LE(one.length - 6);
    const [record, entry] = [one.subarray(0, start), one.subarray(start, one.length - 22)];
    const entries = Array.from({ length: 40 }, (_, i) => {
      const copy = Buffer.from(entry);
      copy.write(String(i).padStart(2, '0'), 46);
      return copy;
    });
    const end = Buffer.from(one.subarray(one.length - 22));
    [8, 10].forEach((at) => end.writeUInt16LE(entries.length, at));
    end.writeUInt32LE(entries.length * entry.length, 12);
    return Buffer.concat([record, ...entries, end]);
  };
  for (const deflate of [true, false])
    await expect(openWeights(await put('shared.npz', many(deflate)))).rejects.toThrow(
      /overlap \(fetch the file again/,
    );
  const record = { data: new Uint8Array(9), deflate: true, claimedBytes: 2 ** 28 };
  const bomb = zip(Array.from({ length: 5 }, (_, i) => ({ name: `${i}.npy`, ...record })));
  await expect(openWeights(await put('bomb.npz', bomb))).rejects.toThrow(
    /compressed records of at most 1073741824 bytes together, got more \(save it anew without compression/,
  );
});
