import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DataError } from '../../../core/errors.js';
import { CocoScanner } from '../../../io/coco/scanner.js';

interface Scan {
  readonly arrays: Readonly<Record<string, readonly unknown[]>>;
  readonly values: Readonly<Record<string, unknown>>;
  readonly invalid: readonly string[];
}

/** Scans `bytes` in pieces of the given sizes (cycled), and returns what the handler heard. */
function scan(bytes: Uint8Array, sizes: readonly number[] = [1 << 20]): Scan {
  const arrays: Record<string, unknown[]> = {};
  const values: Record<string, unknown> = {};
  const invalid: string[] = [];
  const scanner = new CocoScanner('f.json', {
    array: (name) => {
      arrays[name] = [];
      return name !== 'skipped';
    },
    element: (name, index, value) => {
      arrays[name][index] = value;
    },
    invalid: (name, index, message) => invalid.push(`${name}[${index}]: ${message}`),
    value: (name, value) => (values[name] = value),
  });
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length];
    scanner.push(bytes.slice(at, at + size));
    at += size;
  }
  scanner.finish();
  return { arrays, values, invalid };
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

test('the arrays are found in any order, between other keys', () => {
  const text =
    ' {"annotations" : [{"id":1},\n{"id":2}], "info":{"a":[1,{"b":"]}"}]}, "n":null, "images":[ ]}\n';
  const { arrays, values } = scan(encode(text));
  expect(arrays).toEqual({ annotations: [{ id: 1 }, { id: 2 }], images: [] });
  expect(values).toEqual({ info: { a: [1, { b: ']}' }] }, n: null });
});

test('a file that is one array has the name of nothing', () => {
  expect(scan(encode('[{"score":0.5}, 1, "x", null]')).arrays).toEqual({
    '': [{ score: 0.5 }, 1, 'x', null],
  });
});

test('a byte order mark at the beginning is skipped', () => {
  const bytes = new Uint8Array([0xef, 0xbb, 0xbf, ...encode('{"images":[1]}')]);
  for (const size of [1, 2, 3, 100]) expect(scan(bytes, [size]).arrays).toEqual({ images: [1] });
});

test('elements of a skipped array are not parsed, the others are', () => {
  expect(scan(encode('{"skipped":[{bad}],"images":[{"id":3}]}'))).toEqual({
    arrays: { skipped: [], images: [{ id: 3 }] },
    values: {},
    invalid: [],
  });
});

test('what is scanned equals what JSON.parse gives, whatever the pieces', () => {
  const document = fc.dictionary(
    fc.string({ unit: 'grapheme' }),
    fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue({ maxDepth: 3 }))),
  );
  fc.assert(
    fc.property(document, sizes, fc.constantFrom(undefined, 1, '\t'), (value, pieces, indent) => {
      const text = JSON.stringify(value, null, indent);
      const { arrays, values, invalid } = scan(encode(text), pieces);
      expect(invalid).toEqual([]);
      const parsed = JSON.parse(text) as Record<string, unknown>;
      const keys = Object.keys(parsed);
      expect(Object.keys({ ...arrays, ...values }).sort()).toEqual(
        keys.filter((key) => key !== 'skipped' && key !== '__proto__').sort(),
      );
      for (const key of Object.keys(arrays)) expect(arrays[key]).toEqual(parsed[key]);
      for (const key of Object.keys(values)) expect(values[key]).toEqual(parsed[key]);
    }),
    { numRuns: 300 },
  );
});

test('a broken record is reported with its place, and the next ones are still read', () => {
  const { arrays, invalid } = scan(encode('{"annotations":[{"id":1},{"a":NaN},{"id":3}]}'));
  expect(arrays['annotations']).toEqual([{ id: 1 }, undefined, { id: 3 }]);
  expect(invalid).toHaveLength(1);
  expect(invalid[0]).toMatch(/^annotations\[1\]: expected valid JSON, got .*byte 25\)$/);
});

test('bytes that are no UTF-8 are reported, not replaced', () => {
  const bytes = encode('{"images":[{"file_name":"a?"}]}');
  bytes[bytes.indexOf(0x3f)] = 0xff;
  expect(scan(bytes).invalid[0]).toContain('images[0]: expected valid JSON');
});

test.each([
  ['', 'expected an object or array, got the end of the file'],
  ['x', 'expected an object or array, got "x"'],
  ['{"images":[{"id":1}', 'expected the end of the JSON, got the end of the file'],
  ['{"images":[1,]}', 'expected a value, got "]"'],
  ['{"images":[1 2]}', 'expected a comma or the end of the array, got "2"'],
  ['{"images":[1]} x', 'expected nothing after the JSON, got "x"'],
  ['{"images" [1]}', 'expected a colon, got "["'],
  ['{"images":[1],}', 'expected a key in quotes, got "}"'],
  ['{"images":[1],"images":[2]}', 'expected each key once, got "images" again'],
  ['{"info":tru,"images":[]}', '"info": expected valid JSON'],
])('%s is rejected with the reason and the byte', (text, message) => {
  expect(() => scan(encode(text))).toThrow(DataError);
  expect(() => scan(encode(text))).toThrow(message);
  expect(() => scan(encode(text))).toThrow(/^f\.json: byte \d+: /);
});

test('random damage ends in a result or a DataError, and what is accepted is what JSON.parse accepts', () => {
  const good = encode(
    '{"info":{"n":"é"},"images":[{"id":1,"file_name":"a.jpg"}],"annotations":[{"id":1,"bbox":[1,2.5,3,4]},{"id":2}]}',
  );
  const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 4,
  });
  const strict = new TextDecoder('utf-8', { fatal: true });
  const isJson = (bytes: Uint8Array): boolean => {
    try {
      const value: unknown = JSON.parse(strict.decode(bytes));
      return typeof value === 'object' && value !== null;
    } catch {
      return false;
    }
  };
  const counts = { accepted: 0, withInvalid: 0, refused: 0 };
  fc.assert(
    fc.property(damage, fc.nat(good.length), sizes, (changes, cut, pieces) => {
      const bytes = good.slice(0, good.length - (cut % 3 === 0 ? cut : 0));
      for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
      let accepted: Scan | undefined;
      try {
        accepted = scan(bytes, pieces);
      } catch (error) {
        expect(error).toBeInstanceOf(DataError);
        // A key that occurs twice is all that is refused although it is JSON.
        if (isJson(bytes)) expect((error as DataError).message).toContain('each key once');
        counts.refused++;
        return;
      }
      if ('skipped' in accepted.arrays) return;
      expect(accepted.invalid.length === 0).toBe(isJson(bytes));
      counts[accepted.invalid.length === 0 ? 'accepted' : 'withInvalid']++;
    }),
    { numRuns: 2000, seed: 2 },
  );
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(50);
});

test('long texts end where JSON says, whatever quotes and backslashes are in them', () => {
  const piece = fc.constantFrom(
    '"',
    '\\',
    '\\\\',
    '\\"',
    'a'.repeat(39),
    'b',
    'é',
    ']',
    '}',
    ',{"',
  );
  const text = fc.array(piece, { maxLength: 30 }).map((pieces) => pieces.join(''));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 6 }), sizes, (texts, pieces) => {
      const file = JSON.stringify({ images: texts.map((counts) => ({ counts, [counts]: 1 })) });
      const { arrays, invalid } = scan(encode(file), pieces);
      expect(invalid).toEqual([]);
      expect({ images: arrays['images'] }).toEqual(JSON.parse(file));
    }),
    { numRuns: 300, seed: 7 },
  );
});

test('elements of several batches keep their order and their indices, broken ones too', () => {
  const records = Array.from({ length: 5000 }, (_, id) => ({ id, name: `image ${id}` }));
  const text = JSON.stringify({ images: records, annotations: records });
  const { arrays } = scan(encode(text));
  expect(arrays).toEqual({ images: records, annotations: records });
  const broken = scan(encode(text.replace('{"id":2345,', '{"id":NaN,')));
  expect(broken.invalid).toHaveLength(1);
  expect(broken.invalid[0]).toMatch(/^images\[2345\]: expected valid JSON/);
  expect(broken.arrays['images'].filter((record) => record !== undefined)).toEqual(
    records.filter(({ id }) => id !== 2345),
  );
  expect(broken.arrays['annotations']).toEqual(records);
});

test('a record of many pieces is not scanned again for each of them', () => {
  const long = `{"images":[{"file_name":"${'a'.repeat(8_000_000)}"}]}`;
  // That would be 160,000 times 4 MB on average, hours instead of a moment.
  expect(scan(encode(long), [50]).arrays['images']).toHaveLength(1);
});
