import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { PNG } from 'pngjs';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DataError, ImageError, WorkError } from '../../core/errors.js';
import { crc32c, frameRecord, maskedCrc32c } from '../../io/tfrecord/write.js';
import { TensorBoardWriter } from '../../report/tensorboard.js';

/** A field as on the wire: varints and fixed-width numbers as numbers, the rest as bytes. */
type Field = number | Buffer;
type Message = ReadonlyMap<number, readonly Field[]>;

/** Bit by bit from the definition, no table. */
function slowCrc32c(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

/** A reader of its own for the container: throws if a checksum is wrong. */
function readRecords(file: Buffer): Buffer[] {
  const unmask = (masked: number): number => {
    const rotated = (masked - 0xa282ead8) >>> 0;
    return ((rotated << 15) | (rotated >>> 17)) >>> 0;
  };
  const records: Buffer[] = [];
  for (let at = 0; at < file.length;) {
    const length = Number(file.readBigUInt64LE(at));
    const data = file.subarray(at + 12, at + 12 + length);
    expect(unmask(file.readUInt32LE(at + 8))).toBe(slowCrc32c(file.subarray(at, at + 8)));
    expect(unmask(file.readUInt32LE(at + 12 + length))).toBe(slowCrc32c(data));
    records.push(data);
    at += length + 16;
  }
  return records;
}

/** A reader of its own for protobuf's wire format. */
function parse(bytes: Buffer): Message {
  const fields = new Map<number, Field[]>();
  let at = 0;
  const varint = (): number => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = bytes[at++];
      value += (byte & 127) * factor;
      if (byte < 128) return value;
      factor *= 128;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const [field, wireType] = [key >>> 3, key & 7];
    let value: Field;
    if (wireType === 0) value = varint();
    else if (wireType === 1) value = bytes.readDoubleLE((at += 8) - 8);
    else if (wireType === 5) value = bytes.readFloatLE((at += 4) - 4);
    else if (wireType === 2) {
      const length = varint();
      value = bytes.subarray(at, (at += length));
    } else throw new Error(`wire type ${wireType} of field ${field}`);
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

const one = (message: Message, field: number): Field => {
  expect(message.get(field)).toHaveLength(1);
  return message.get(field)![0];
};
const nested = (message: Message, field: number): Message => parse(one(message, field) as Buffer);
const text = (field: Field): string => (field as Buffer).toString('utf8');
const doubles = (field: Field): number[] =>
  Array.from({ length: (field as Buffer).length / 8 }, (_, i) =>
    (field as Buffer).readDoubleLE(8 * i),
  );

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tensorboard-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Events of a fresh file after the version event; the clock stands at 1,700,000,000.5 s. */
function written(write: (writer: TensorBoardWriter) => void): Message[] {
  const writer = new TensorBoardWriter(folder, { now: () => 1_700_000_000_500 });
  write(writer);
  writer.close();
  return readRecords(readFileSync(writer.file))
    .slice(1)
    .map((record) => parse(record));
}
const valueOf = (event: Message): Message => nested(nested(event, 5), 1);

describe('the container', () => {
  test('checksums are the published ones', () => {
    // RFC 3720, B.4
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
    expect(crc32c(new Uint8Array(0))).toBe(0);
    fc.assert(fc.property(fc.uint8Array(), (bytes) => crc32c(bytes) === slowCrc32c(bytes)));
  });

  test('masking rotates right by 15 and adds its constant', () => {
    // crc 0: only the constant is left
    expect(maskedCrc32c(new Uint8Array(0))).toBe(0xa282ead8);
    const rotated = ((0xe3069283 >>> 15) | (0xe3069283 << 17)) >>> 0;
    expect(maskedCrc32c(Buffer.from('123456789'))).toBe((rotated + 0xa282ead8) % 2 ** 32);
  });

  test('an empty record is sixteen bytes', () => {
    expect(frameRecord(new Uint8Array(0))).toHaveLength(16);
  });
});

describe('events', () => {
  test('a file starts with its version and is named so that TensorBoard finds it', () => {
    const writer = new TensorBoardWriter(join(folder, 'new', 'run'), {
      now: () => 1_700_000_000_500,
    });
    writer.close();
    expect(writer.file).toMatch(/new.run.events\.out\.tfevents\.1700000000\./);
    const [event, ...rest] = readRecords(readFileSync(writer.file)).map((r) => parse(r));
    expect(text(one(event, 3))).toBe('brain.Event:2');
    expect(one(event, 1)).toBe(1_700_000_000.5);
    expect(rest).toEqual([]);
  });

  test('two writers of one second have a file each', () => {
    const now = (): number => 1_600_000_000_000;
    const writers = [0, 1].map(() => new TensorBoardWriter(join(folder, 'twice'), { now }));
    writers.forEach((writer) => writer.close());
    expect(readdirSync(join(folder, 'twice'))).toHaveLength(2);
  });

  test('scalars carry tag, step, time and a float', () => {
    const events = written((writer) => {
      writer.scalar('loss/rpn', 0.625, 3);
      writer.scalar('größe', -1e-3, 5_000_000_000);
      writer.scalar('nan', NaN, 0);
    });
    expect(events.map((event) => one(event, 2))).toEqual([3, 5_000_000_000, 0]);
    expect(events.map((event) => one(event, 1))).toEqual(Array(3).fill(1_700_000_000.5));
    expect(events.map((event) => text(one(valueOf(event), 1)))).toEqual([
      'loss/rpn',
      'größe',
      'nan',
    ]);
    expect(events.map((event) => one(valueOf(event), 2))).toEqual([0.625, Math.fround(-1e-3), NaN]);
  });

  test('images carry their size, channels and file', () => {
    const png = new Uint8Array(PNG.sync.write(new PNG({ width: 3, height: 300 }))); // RGBA
    const [event] = written((writer) => writer.image('overlay', png, 1));
    const image = nested(valueOf(event), 4);
    expect([1, 2, 3].map((field) => one(image, field))).toEqual([300, 3, 4]);
    expect(new Uint8Array(one(image, 4) as Buffer)).toEqual(png);
  });

  test('a JPEG is kept as it is', async () => {
    const gray = { create: { width: 5, height: 7, channels: 3, background: '#888' } } as const;
    const jpeg = await sharp(gray).jpeg().toBuffer();
    const [event] = written((writer) => writer.image('sample', jpeg, 1));
    const image = nested(valueOf(event), 4);
    expect([1, 2, 3].map((field) => one(image, field))).toEqual([7, 5, 3]);
    expect((one(image, 4) as Buffer).equals(jpeg)).toBe(true);
  });

  test('histograms count into thirty buckets of equal width', () => {
    const values = Float32Array.from({ length: 61 }, (_, i) => i - 30);
    const [event] = written((writer) => writer.histogram('weights', values, 1));
    const histogram = nested(valueOf(event), 5);
    const squares = 2 * ((30 * 31 * 61) / 6);
    expect([1, 2, 3, 4, 5].map((f) => one(histogram, f))).toEqual([-30, 30, 61, 0, squares]);
    expect(doubles(one(histogram, 6))).toEqual(Array.from({ length: 30 }, (_, i) => 2 * i - 28));
    // The last bucket has its upper edge, too.
    expect(doubles(one(histogram, 7))).toEqual([...Array<number>(29).fill(2), 3]);
  });

  test('equal values make one bucket', () => {
    const [event] = written((writer) => writer.histogram('bias', [0, 0, 0], 1));
    const histogram = nested(valueOf(event), 5);
    expect(doubles(one(histogram, 6))).toEqual([0]);
    expect(doubles(one(histogram, 7))).toEqual([3]);
  });

  test('every value falls into the bucket whose edges enclose it', () => {
    const some = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(some, (values) => {
        const [event] = written((writer) => writer.histogram('any', values, 0));
        const histogram = nested(valueOf(event), 5);
        const [limits, counts] = [6, 7].map((field) => doubles(one(histogram, field)));
        expect(counts.reduce((a, b) => a + b, 0)).toBe(values.length);
        expect(limits.at(-1)).toBe(Math.max(...values));
        expect([...limits].sort((a, b) => a - b)).toEqual(limits);
      }),
      // The tiniest numbers, whose buckets are as wide as the step between two of them.
      { numRuns: 30, examples: [[[-1.5e-323, 6.4e-323]]] },
    );
  });

  test('a resumed run says from which step on its file counts', () => {
    const writer = new TensorBoardWriter(join(folder, 'resumed'), { resumedAtStep: 700 });
    writer.close();
    const start = parse(readRecords(readFileSync(writer.file))[1]);
    expect(one(start, 2)).toBe(700);
    expect(one(nested(start, 7), 1)).toBe(1); // SessionLog.START
  });
});

describe('what cannot be shown is rejected', () => {
  test('with one line that names the tag', () => {
    const writer = new TensorBoardWriter(folder);
    expect(() => writer.image('x', new Uint8Array(40), 0)).toThrow(
      new ImageError(
        'image x: expected a JPEG, PNG, WebP, AVIF, TIFF, GIF or BMP image, got something else (starts with 00 00 00 00 00 00 00 00)',
        { file: 'image x' },
      ),
    );
    expect(() => writer.histogram('x', [], 0)).toThrow(
      new DataError('histogram x: expected values, got none'),
    );
    expect(() => writer.histogram('x', [1, NaN], 0)).toThrow(
      new DataError('histogram x: expected finite values, got NaN'),
    );
    writer.close();
  });

  test('a closed writer writes nothing more', () => {
    const writer = new TensorBoardWriter(folder);
    writer.close();
    writer.close();
    expect(() => writer.scalar('x', 1, 1)).toThrow(WorkError);
  });
});
