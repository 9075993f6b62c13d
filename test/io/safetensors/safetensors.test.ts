import { open, readdir, readFile, truncate } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WeightsError } from '../../../core/errors.js';
import { openSafetensors } from '../../../io/safetensors/read.js';
import { writeSafetensors, type TensorToWrite } from '../../../io/safetensors/write.js';
import { BYTES_PER_ELEMENT, type DType, type TensorValues } from '../../../io/tensor.js';
import { readTensors } from '../../helpers/fixtures.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const { folder, path, put } = temporaryFolder();

async function readAll(file: string): Promise<Map<string, TensorValues>> {
  const source = await openSafetensors(file);
  const values = new Map<string, TensorValues>();
  for (const [name, tensor] of source.tensors) values.set(name, await tensor.read());
  await source.close();
  return values;
}

function bytesOf(values: TensorValues | undefined): Uint8Array {
  return values
    ? new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    : new Uint8Array();
}

/** A file with this header and `dataBytes` zeros. */
function fileOf(header: unknown, dataBytes: number, length?: bigint): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(length ?? BigInt(text.length));
  return Buffer.concat([prefix, text, Buffer.alloc(dataBytes)]);
}

const f32 = (shape: number[], start: number, end: number) => ({
  dtype: 'F32',
  shape,
  data_offsets: [start, end],
});

test('the reader gives hand-written values of every dtype', async () => {
  const data: [DType, number[]][] = [
    ['F64', [0, 0, 0, 0, 0, 0, 0xf8, 0x3f]],
    ['F32', [0, 0, 0xc0, 0x3f]],
    ['F16', [0, 0x3e]],
    ['BF16', [0xc0, 0x3f]],
    ['I64', [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['I32', [0xfe, 0xff, 0xff, 0xff]],
    ['I16', [0xfe, 0xff]],
    ['I8', [0xfe]],
    ['U8', [0xfe]],
    ['BOOL', [1]],
  ];
  let position = 0;
  const header = Object.fromEntries(
    data.map(([dtype, bytes]) => {
      const start = position;
      position += bytes.length;
      return [dtype, { dtype, shape: [1], data_offsets: [start, position] }];
    }),
  );
  const head = fileOf(header, 0);
  const file = await put(
    'all.safetensors',
    Buffer.concat([head, ...data.map(([, b]) => Buffer.from(b))]),
  );
  const values = await readAll(file);
  expect([...values].map(([name, [value]]) => [name, value])).toEqual([
    ['F64', 1.5],
    ['F32', 1.5],
    ['F16', 1.5],
    ['BF16', 1.5],
    ['I64', -2n],
    ['I32', -2],
    ['I16', -2],
    ['I8', -2],
    ['U8', 254],
    ['BOOL', 1],
  ]);
});

test('what is written reads back, by an independent reader too', async () => {
  const entry = fc.record({
    dtype: fc.constantFrom<DType>('F32', 'I32', 'U8'),
    shape: fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(entry, { maxLength: 6 }), async (entries) => {
      const tensors = entries.map(({ dtype, shape }, i): TensorToWrite & { data: Uint8Array } => {
        const length = shape.reduce((a, b) => a * b, 1) * BYTES_PER_ELEMENT[dtype];
        return {
          name: `t${i}`,
          dtype,
          shape,
          data: Uint8Array.from({ length }, (_, j) => (j * 7 + i) % 120),
        };
      });
      const file = path('round.safetensors');
      await writeSafetensors(file, tensors, { format: 'pt' });
      const ours = await readAll(file);
      const theirs = readTensors(file);
      for (const { name, shape, data } of tensors) {
        const [mine, other] = [ours.get(name), theirs.get(name)];
        expect(bytesOf(mine)).toEqual(data);
        expect(other?.shape).toEqual(shape);
        expect(bytesOf(other?.data)).toEqual(data);
      }
      expect(ours.size).toBe(tensors.length);
    }),
    { numRuns: 30 },
  );
});

test('metadata, lazy data and views into larger buffers are written as given', async () => {
  const whole = Float32Array.of(9, 1, 2, 9);
  const file = path('views.safetensors');
  const written = await writeSafetensors(
    file,
    [
      { name: 'view', dtype: 'F32', shape: [2], data: whole.subarray(1, 3) },
      { name: 'lazy', dtype: 'U8', shape: [], data: () => Promise.resolve(Uint8Array.of(7)) },
    ],
    { note: 'ä' },
  );
  const source = await openSafetensors(file);
  expect(source.plain).toEqual({ note: 'ä' });
  expect(await source.tensors.get('view')?.read()).toEqual(Float32Array.of(1, 2));
  expect(await source.tensors.get('lazy')?.read()).toEqual(Uint8Array.of(7));
  await source.close();
  expect(written.bytes).toBe((await readFile(file)).byteLength);
  expect(written.sha256).toMatch(/^[0-9a-f]{64}$/);
});

test('a failed write leaves the older file and no temporary one', async () => {
  const file = path('kept.safetensors');
  const good: TensorToWrite = { name: 'a', dtype: 'F32', shape: [1], data: Float32Array.of(1) };
  await writeSafetensors(file, [good]);
  const before = await readFile(file);
  const bad = { ...good, data: Float32Array.of(1, 2) };
  await expect(writeSafetensors(file, [bad])).rejects.toThrow(
    'expected 4 bytes for F32 tensor "a" of shape [1], got 8',
  );
  await expect(writeSafetensors(file, [good, good])).rejects.toThrow(
    'expected every tensor name once',
  );
  expect(await readFile(file)).toEqual(before);
  expect((await readdir(folder)).filter((name) => name.includes('.tmp'))).toEqual([]);
});

test('a tensor beyond 2 GiB is read by its range alone', async () => {
  const fillerBytes = 2 ** 31 + 2 ** 28;
  const header = {
    filler: { dtype: 'U8', shape: [fillerBytes], data_offsets: [0, fillerBytes] },
    x: f32([2], fillerBytes, fillerBytes + 8),
  };
  const head = fileOf(header, 0);
  const file = await put('large.safetensors', head);
  await truncate(file, head.byteLength + fillerBytes + 8); // sparse: takes no room on disk
  const handle = await open(file, 'r+');
  await handle.write(
    new Uint8Array(Float32Array.of(1.5, -2).buffer),
    0,
    8,
    head.byteLength + fillerBytes,
  );
  await handle.close();
  const source = await openSafetensors(file);
  expect(await source.tensors.get('x')?.read()).toEqual(Float32Array.of(1.5, -2));
  await source.close();
  await truncate(file, 0);
});

const lies: [string, unknown, number, RegExp][] = [
  [
    'two tensors in one place',
    { a: f32([1], 0, 4), b: f32([1], 0, 4) },
    4,
    /"b" to start at byte 4/,
  ],
  [
    'overlapping tensors',
    { a: f32([2], 0, 8), b: f32([2], 4, 12) },
    12,
    /"b" to start at byte 8.* got 4/,
  ],
  ['a hole', { a: f32([1], 4, 8) }, 8, /"a" to start at byte 0/],
  ['bytes behind the last tensor', { a: f32([1], 0, 4) }, 8, /expected 4 bytes of tensors, got 8/],
  ['an end behind the file', { a: f32([4], 0, 16) }, 8, /within 8 bytes, got 16/],
  ['falling offsets', { a: f32([1], 4, 0) }, 4, /two rising data_offsets/],
  [
    'a size that needs other bytes',
    { a: f32([3], 0, 4) },
    4,
    /expected 12 bytes for F32 tensor "a"/,
  ],
  ['an unknown dtype', { a: { dtype: 'F8', shape: [1], data_offsets: [0, 1] } }, 1, /dtype of F64/],
  [
    'a dtype that is a list',
    { a: { dtype: [[{}], { toString: 1 }], shape: [1], data_offsets: [0, 1] } },
    1,
    /dtype of F64/,
  ],
  [
    'a dtype of the prototype',
    { a: { dtype: 'toString', shape: [], data_offsets: [0, 1] } },
    1,
    /dtype/,
  ],
  ['a negative size', { a: f32([-1], 0, 4) }, 4, /shape of natural numbers/],
  ['a fractional size', { a: f32([0.5], 0, 2) }, 2, /shape of natural numbers/],
  ['sizes whose product overflows', { a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4, /got 4/],
  ['metadata of numbers', { __metadata__: { a: 1 } }, 0, /map strings to strings/],
  ['an array', [1, 2], 0, /JSON object/],
  ['text that is no JSON', '{"a":', 0, /does not parse/],
  ['a name over two lines', { 'a\nb': f32([1], 0, 4) }, 4, /printable characters, got "a\\u000ab"/],
  ['a tensor that is null', { a: null }, 0, /described by an object/],
];

test.each(lies)('a header with %s is an error', async (_, header, dataBytes, message) => {
  const file = await put('lie.safetensors', fileOf(header, dataBytes));
  const attempt = openSafetensors(file);
  await expect(attempt).rejects.toThrow(WeightsError);
  await expect(attempt).rejects.toThrow(message);
});

test('a header length beyond the file or the limit is rejected before anything is allocated', async () => {
  const large = await put('length.safetensors', fileOf({}, 0, 2n ** 63n));
  await expect(openSafetensors(large)).rejects.toThrow('got a length of 9223372036854775808');
  const limit = await put('limit.safetensors', fileOf({}, 0, 200_000_000n));
  await truncate(limit, 300_000_000);
  await expect(openSafetensors(limit)).rejects.toThrow('at most 16777216 bytes');
  const short = await put('short.safetensors', Uint8Array.of(1, 2, 3));
  await expect(openSafetensors(short)).rejects.toThrow('expected 8 bytes at 0, got a file of 3');
});

test('8-bit floats are widened exactly, and other types of the format are refused where they are needed', async () => {
  const header = {
    e4m3: { dtype: 'F8_E4M3', shape: [6], data_offsets: [0, 6] },
    e5m2: { dtype: 'F8_E5M2', shape: [4], data_offsets: [6, 10] },
    counts: { dtype: 'U32', shape: [1], data_offsets: [10, 14] },
  };
  const data = [0x38, 0xb9, 0x01, 0x7e, 0x7f, 0x80, 0x3c, 0xbd, 0x01, 0xfc, 1, 0, 0, 0];
  const file = await put(
    'float8.safetensors',
    Buffer.concat([fileOf(header, 0), Buffer.from(data)]),
  );
  const source = await openSafetensors(file);
  const read = async (name: string): Promise<number[]> =>
    Array.from((await source.tensors.get(name)!.read()) as Float32Array);
  expect(await read('e4m3')).toEqual([1, -1.125, 2 ** -9, 448, NaN, -0]);
  expect(await read('e5m2')).toEqual([1, -1.25, 2 ** -16, -Infinity]);
  await expect(read('counts')).rejects.toThrow('got U32 (save it as float32)');
  await source.close();
});
