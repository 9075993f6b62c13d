import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { InputError } from '../../../core/errors.js';
import { ProtobufWriter } from '../../../io/protobuf/writer.js';

/** A field as it lies in the bytes: varints as bigint, length-delimited and fixed32 fields as bytes. */
type Field = readonly [number: number, value: bigint | Uint8Array];

/** A reader written from the specification, for the tests only. */
function fields(bytes: Uint8Array): Field[] {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 128) return value;
    }
  };
  const found: Field[] = [];
  while (at < bytes.length) {
    const tag = Number(varint());
    const [number, wireType] = [tag >> 3, tag & 7];
    if (wireType === 0) found.push([number, varint()]);
    else {
      const length = wireType === 5 ? 4 : Number(varint());
      found.push([number, bytes.slice(at, at + length)]);
      at += length;
    }
  }
  expect(at, 'the last field ends with the bytes').toBe(bytes.length);
  return found;
}

function written(write: (out: ProtobufWriter) => void, capacity?: number): Uint8Array {
  const out = new ProtobufWriter(capacity);
  write(out);
  return out.finish();
}

const signed = (value: bigint | Uint8Array): number => Number(BigInt.asIntN(64, value as bigint));

/** The varints of a packed field. */
function packed(bytes: Uint8Array): number[] {
  // Every varint, dressed up as field 1.
  const ends = [...bytes.keys()].filter((i) => bytes[i] < 128);
  return ends.map((end, i) => {
    const start = i === 0 ? 0 : ends[i - 1] + 1;
    return signed(fields(Uint8Array.of(8, ...bytes.slice(start, end + 1)))[0][1]);
  });
}

describe('bytes by hand, from the specification', () => {
  test.each<[string, (out: ProtobufWriter) => void, number[]]>([
    ['150 in field 1', (out) => out.int(1, 150), [0x08, 0x96, 0x01]],
    ['0', (out) => out.int(1, 0), [0x08, 0x00]],
    ['-1: ten bytes', (out) => out.int(1, -1), [0x08, ...Array<number>(9).fill(0xff), 0x01]],
    ['-2', (out) => out.int(1, -2), [0x08, 0xfe, ...Array<number>(8).fill(0xff), 0x01]],
    ['a text', (out) => out.text(2, 'testing'), [0x12, 7, ...Buffer.from('testing')]],
    ['an empty text', (out) => out.text(2, ''), [0x12, 0]],
    ['1.5 in field 3', (out) => out.float(3, 1.5), [0x1d, 0, 0, 0xc0, 0x3f]],
    ['field 20 has a tag of two bytes', (out) => out.int(20, 1), [0xa0, 0x01, 0x01]],
    // Lengths of messages are padded to five bytes.
    ['a message', (out) => out.message(3, () => out.int(1, 150)), [0x1a, 0x83, 0x80, 0x80, 0x80, 0x00, 0x08, 0x96, 0x01]], // prettier-ignore
    ['packed', (out) => out.packedInts(4, [3, 270]), [0x22, 0x83, 0x80, 0x80, 0x80, 0x00, 3, 0x8e, 0x02]], // prettier-ignore
    ['packed, none', (out) => out.packedInts(4, []), [0x22, 0x80, 0x80, 0x80, 0x80, 0x00]],
  ])('%s', (_name, write, expected) => {
    expect([...written(write)]).toEqual(expected);
  });
});

describe('what is written is read back', () => {
  const integer = fc.oneof(
    fc.integer(),
    fc.maxSafeInteger(),
    fc.constantFrom(127, 128, 2 ** 31, 2 ** 32, -(2 ** 31), -(2 ** 53) + 1),
  );

  test('integers of up to 53 bits of either sign', () => {
    fc.assert(
      fc.property(integer, (value) => {
        expect(signed(fields(written((out) => out.int(5, value)))[0][1])).toBe(value);
      }),
      { seed: 1 },
    );
  });

  test('packed integers', () => {
    fc.assert(
      fc.property(fc.array(integer), (values) => {
        const [[number, bytes]] = fields(written((out) => out.packedInts(8, values)));
        expect(number).toBe(8);
        expect(packed(bytes as Uint8Array)).toEqual(values);
      }),
      { seed: 2 },
    );
  });

  test('texts of any length and script, from a buffer that must grow', () => {
    const texts = ['x'.repeat(127), 'x'.repeat(128), 'y'.repeat(100_000), 'Größe 尺寸 🧠', ''];
    const bytes = written((out) => texts.forEach((text) => out.text(2, text)), 1);
    expect(fields(bytes).map(([, value]) => Buffer.from(value as Uint8Array).toString())).toEqual(
      texts,
    );
  });

  test('nested messages, longer than one and two length bytes', () => {
    const bytes = written((out) => {
      out.message(1, () => {
        out.message(2, () => out.raw(3, new Uint8Array(20_000).fill(9)));
        out.int(4, 7);
      });
      out.int(5, 1);
    }, 1);
    const [[, outer], [five]] = fields(bytes);
    const [[, inner], [, seven]] = fields(outer as Uint8Array);
    const [[, raw]] = fields(inner as Uint8Array);
    expect([five, seven]).toEqual([5, 7n]);
    expect([...new Set(raw as Uint8Array)]).toEqual([9]);
    expect((raw as Uint8Array).length).toBe(20_000);
  });
});

test('more than protobuf’s 2 GiB is rejected with the remedy, before it is allocated', () => {
  expect(() => new ProtobufWriter(2 ** 31)).toThrow(InputError);
  expect(() => new ProtobufWriter(2 ** 31)).toThrow('keep the weights as inputs');
  const out = new ProtobufWriter();
  const huge = { byteLength: 2 ** 31 } as Uint8Array;
  expect(() => out.raw(1, huge)).toThrow(InputError);
});
