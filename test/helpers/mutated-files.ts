import { expect } from 'vitest';
import { ConfigError, DataError } from '../../core/errors.js';
import { Random } from '../../core/random.js';

/** Inputs of each parser; `CONVNEXTV2_MUTATIONS=100000` for a long run. */
export const MUTATIONS = Number(process.env['CONVNEXTV2_MUTATIONS'] ?? 2000);

/** Texts that break parsers: numbers, entities, nesting, names of built-in properties, bytes that are no text. */
const PIECES: readonly string[] = [
  ...['1e999', '-1e999', 'NaN', 'Infinity', '9'.repeat(400), '-0', '0x10', '1e-320', '1,5', '١٢'],
  ...['\0', '\ufeff', '\ud800', '\r', '\u2028', '&', '&lt;', '&#0;', '&#x110000;', '&unknown;'],
  ...['"', "'", '<', '>', '/>', '{', '}', '[', ']', ': ', '- ', '|', '\t', ';', ',', ' ', '\n'],
  ...['<!DOCTYPE a [<!ENTITY x "xxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]>', '&y;', '<![CDATA['],
  ...[']]>', '<!--', '-->', '<?pi?>', '<object>', '</object>', '<name>', '<a>'.repeat(100)],
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', 'length', '../../x'],
  ...['*a', '&a ', '!!js/function', '<<', 'null', 'true', '""', '[[', 'a.png', 'train', 'cat', '2'],
];

/** JSON values that few writers expect in a place; `@raw@` is replaced by a number that is none in JavaScript. */
const VALUES: readonly string[] = [
  ...['null', 'true', 'false', '0', '-1', '1.5', '1e308', '-1e308', '4294967296', '1e-320', '-0'],
  ...['""', '"12"', '"1.5"', '"true"', '"constructor"', '"__proto__"', '"toString"', '"cat"'],
  ...['"\\u0000"', '"\\ud800"', '" "', '"a.png"', '"../a.png"', '"/a.png"', '1e999', '-1e999'],
  ...['[]', '{}', '[[]]', '[null]', '[1]', '["1", "2"]', '[1, 2, 3, 4]', '[[1, 2], [3, 4]]'],
  ...['{"toString": ""}', '{"toString": null, "valueOf": 1}', '{"__proto__": {"x": 1}}'],
  ...['{"constructor": {"prototype": null}}', '{"length": -1}', '{"0": 1, "1": 2}', '{"then": 1}'],
  ...['{"toJSON": 1}', '{"hasOwnProperty": 1}', '{"name": {"toString": 1}}', '{"__proto__": null}'],
  ...[`${'['.repeat(200)}${']'.repeat(200)}`, `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`],
  `"${'x'.repeat(5000)}"`,
];
const KEYS: readonly string[] = [
  ...['__proto__', 'constructor', 'toString', 'valueOf', 'hasOwnProperty', 'length', '', '0'],
];

/** Changes one to four places: bytes, words, and in JSON whole values and keys. */
export function mutatedText(text: string, random: Random): Uint8Array {
  let bytes: Buffer = Buffer.from(text);
  for (let n = 1 + random.integer(4); n > 0; n--) {
    const isJson = random.integer(2) === 0 && /^\s*[{[]/.test(text);
    bytes = isJson ? withJsonValue(bytes, random) : withBytes(bytes, random);
  }
  return bytes;
}

function withBytes(bytes: Buffer, random: Random): Buffer {
  const at = (): number => random.integer(bytes.length + 1);
  const [from, to] = [at(), at()].sort((a, b) => a - b);
  const piece = Buffer.from(PIECES[random.integer(PIECES.length)]);
  const splice = (insert: Uint8Array, end: number): Buffer =>
    Buffer.concat([bytes.subarray(0, from), insert, bytes.subarray(end)]);
  switch (random.integer(10)) {
    case 0:
      return splice(piece, from);
    case 1:
      return splice(piece, Math.min(to, from + 12));
    case 2:
      return bytes.subarray(0, from);
    case 3:
      return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
    case 4:
      return from < bytes.length ? splice(Buffer.from([random.integer(256)]), from + 1) : bytes;
    case 5:
      return splice(Buffer.alloc(0), to);
    case 6:
      return random.integer(4) === 0 ? Buffer.from(bytes.toString('latin1'), 'utf16le') : bytes;
    default:
      return withWord(bytes, piece, random);
  }
}

/** Replaces a number or a word, so that the structure of most formats stays. */
function withWord(bytes: Buffer, piece: Uint8Array, random: Random): Buffer {
  const text = bytes.toString('latin1');
  const words = [...text.matchAll(/[-+\w.]+/g)];
  if (words.length === 0) return bytes;
  const word = words[random.integer(words.length)];
  const end = word.index + word[0].length;
  return Buffer.concat([bytes.subarray(0, word.index), piece, bytes.subarray(end)]);
}

/** Replaces, removes, repeats or renames a value of a JSON document; other text is left as it is. */
function withJsonValue(bytes: Buffer, random: Random): Buffer {
  const text = bytes.toString();
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return bytes;
  }
  const places: (readonly [Record<string, unknown>, string])[] = [];
  const visit = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > 12) return;
    const holder = value as Record<string, unknown>;
    for (const key of Object.keys(holder)) {
      places.push([holder, key]);
      visit(holder[key], depth + 1);
    }
  };
  visit(document, 0);
  if (places.length === 0) return Buffer.from(VALUES[random.integer(VALUES.length)]);
  const [holder, key] = places[random.integer(places.length)];
  const foreign = VALUES[random.integer(VALUES.length)];
  const put = (name: string, value: unknown): void => {
    Object.defineProperty(holder, name, {
      value,
      enumerable: true,
      writable: true,
      configurable: true,
    });
  };
  switch (random.integer(6)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      break;
    case 1:
      if (Array.isArray(holder)) holder.push(holder[Number(key)]);
      else put(KEYS[random.integer(KEYS.length)], holder[key]);
      break;
    case 2:
      put(key, typeof holder[key] === 'number' ? String(holder[key]) : { ...Object(holder[key]) });
      break;
    default:
      put(key, '@raw@');
  }
  return Buffer.from(JSON.stringify(document).replaceAll('"@raw@"', () => foreign));
}

/**
 * Runs a reader on mutations: each must be read, or refused by a clear error.
 *
 * @param mutate makes an input
 */
export async function survive(
  seed: number,
  count: number,
  mutate: (random: Random) => Uint8Array,
  read: (bytes: Uint8Array) => unknown,
): Promise<void> {
  const random = new Random(seed);
  let [accepted, refused, longest] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    const bytes = mutate(random);
    const start = performance.now();
    try {
      await read(bytes);
      accepted++;
    } catch (error) {
      const isClear = error instanceof DataError || error instanceof ConfigError;
      if (!isClear || !/expected .*(, got|, looked for)/s.test(error.message))
        throw new Error(`mutation ${i}: ${JSON.stringify(Buffer.from(bytes).toString('latin1'))}`, {
          cause: error,
        });
      refused++;
    }
    longest = Math.max(longest, performance.now() - start);
  }
  // Both happen often, or the mutations are too weak or too strong to test anything.
  expect(accepted).toBeGreaterThan(count / 50);
  expect(refused).toBeGreaterThan(count / 50);
  expect(longest).toBeLessThan(5000);
}
