import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DataError } from '../../core/errors.js';
import { JsonScanner } from '../../evaluation/json-scanner.js';

const scan = (text: string): JsonScanner =>
  new JsonScanner(new TextEncoder().encode(text), 'f.json');

/** Reads a whole text into a tree with the scanner's own methods. */
function readTree(scanner: JsonScanner): unknown {
  switch (scanner.kind()) {
    case 'object': {
      const entries: [string, unknown][] = [];
      scanner.readObject((key) => entries.push([key, readTree(scanner)]));
      return Object.fromEntries(entries);
    }
    case 'list': {
      const items: unknown[] = [];
      scanner.readList(() => items.push(readTree(scanner)));
      return items;
    }
    case 'string':
      return scanner.readString();
    case 'number':
      return scanner.readNumber();
    case 'true':
    case 'false':
      return scanner.readFlag();
    default:
      scanner.skip();
      return null;
  }
}

function parse(text: string): unknown {
  const scanner = scan(text);
  const tree = readTree(scanner);
  scanner.finish();
  return tree;
}

test('reads any JSON as JSON.parse does', () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ stringUnit: 'grapheme' }),
      fc.constantFrom(undefined, 1, '\t'),
      (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(parse(text)).toEqual(JSON.parse(text));
      },
    ),
  );
});

test('accepts exactly the texts that JSON.parse accepts', () => {
  const piece = fc.constantFrom(
    ...[
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"\\u00e9"',
      '"\\x"',
      '"\\',
      '"',
      '1',
      '-',
      '-0',
      '01',
      '1.',
      '.5',
      '1e',
      '1e5',
    ],
    ...[
      '1E+2',
      '2.50',
      'true',
      'false',
      'null',
      'nul',
      'NaN',
      ' ',
      '\n',
      '\u00a0',
      '\u0001',
      '"é"',
      '"\t"',
    ],
  );
  let numAccepted = 0;
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 7 }), (pieces) => {
      const text = pieces.join('');
      let isJson = true;
      try {
        JSON.parse(text);
        numAccepted++;
      } catch {
        isJson = false;
      }
      const skip = (): void => {
        const scanner = scan(text);
        scanner.skip();
        scanner.finish();
      };
      if (isJson) expect(skip).not.toThrow();
      else expect(skip).toThrow(DataError);
    }),
    { numRuns: 5000, seed: 3 },
  );
  expect(numAccepted).toBeGreaterThan(100);
});

test('reads every finite number to the last bit', () => {
  const number = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.tuple(fc.integer(), fc.nat(12)).map(([n, digits]) => Number((n / 1e4).toFixed(digits))),
    fc.integer(),
  );
  fc.assert(
    fc.property(number, (value) => {
      expect(scan(JSON.stringify(value)).readNumber()).toBe(Number(JSON.stringify(value)));
    }),
    { numRuns: 2000 },
  );
  for (const text of [
    '123456789012345678',
    '0.1234567890123456789',
    '-0',
    '1e400',
    '9007199254740993',
  ])
    expect(scan(text).readNumber()).toBe(Number(text));
});

describe('readNumbers', () => {
  test('reads exactly as many numbers as asked for', () => {
    const into = new Float64Array(2);
    expect(scan('[1, 2.5]').readNumbers(into, 2)).toBe(true);
    expect([...into]).toEqual([1, 2.5]);
    expect(() => scan('[1]').readNumbers(into, 2)).toThrow('expected 2 numbers');
    expect(() => scan('[1,2,3]').readNumbers(into, 2)).toThrow('the end of 2 numbers');
  });

  test('an empty list is none', () => {
    expect(scan('[]').readNumbers(new Float64Array(4), 4)).toBe(false);
  });
});

describe('readBytesInPlace', () => {
  const read = (json: string): string => {
    const bytes = new TextEncoder().encode(json);
    const [start, end] = new JsonScanner(bytes, 'f.json').readBytesInPlace();
    return new TextDecoder().decode(bytes.subarray(start, end));
  };

  test('resolves the escapes of ASCII text', () => {
    const ascii = fc.string({
      unit: fc.integer({ min: 32, max: 126 }).map((c) => String.fromCharCode(c)),
    });
    fc.assert(
      fc.property(ascii, (text) => {
        expect(read(JSON.stringify(text))).toBe(text);
      }),
    );
    expect(read('"a\\u0041\\/\\\\"')).toBe('aA/\\');
  });

  test('refuses what is not ASCII in an escape, and a string that does not end', () => {
    expect(() => read('"\\u00e9"')).toThrow('an ASCII character');
    expect(() => read('"abc')).toThrow('the end of the string');
    expect(() => read('"abc\\')).toThrow('an escape');
  });
});

describe('errors', () => {
  test('name the file, what was expected and the place', () => {
    expect(() => parse('{"a": [1, }')).toThrow('f.json: expected a JSON value, got "}" at byte 10');
    expect(() => parse('[1')).toThrow('expected "," or "]", got the end of the file at byte 2');
    expect(() => parse('1 2')).toThrow('expected the end of the file');
  });

  test('deep nesting is refused before the stack overflows', () => {
    expect(() => scan('['.repeat(100_000)).skip()).toThrow('at most 200 nested values');
  });

  test('a flag is 0, 1, true or false', () => {
    expect(['0', '1', 'true', 'false'].map((text) => scan(text).readFlag())).toEqual([
      false,
      true,
      true,
      false,
    ]);
    expect(() => scan('2').readFlag()).toThrow('expected 0, 1, true or false, got "2"');
    expect(() => scan('"1"').readFlag()).toThrow('expected 0, 1, true or false');
  });
});

test('a byte order mark is skipped, and a part of the bytes can be a document', () => {
  expect(parse('\ufeff[1]')).toEqual([1]);
  const bytes = new TextEncoder().encode('[1][2]');
  const second = new JsonScanner(bytes, 'f.json', 3, 6);
  expect(readTree(second)).toEqual([2]);
  expect(() => new JsonScanner(bytes, 'f.json', 0, 2).skip()).toThrow('the end of the file');
  expect(() =>
    new JsonScanner(new TextEncoder().encode('12'), 'f.json', 0, 1).readNumber(),
  ).toThrow('a number');
});

test('keys of equal hash are told apart', () => {
  // 'Aa' and 'BB' collide in a hash of base 31.
  expect(parse('[{"Aa": 1, "BB": 2}, {"BB": 3, "Aa": 4}]')).toEqual([
    { Aa: 1, BB: 2 },
    { BB: 3, Aa: 4 },
  ]);
});
