import { parse } from 'yaml';
import type { Random } from '../../core/random.js';

/** JSON texts of values at which programs break that take the value of a file for what they expect. */
const deep = (open: string, close: string, depth: number): string =>
  `${open.repeat(depth)}0${close.repeat(depth)}`;
const VALUES: readonly string[] = [
  // Objects that become neither text nor number: String(value), `${value}`, Number(value) and value < 1 throw.
  ...['{"toString":""}', '{"valueOf":1}', '{"toString":1,"valueOf":1}', '[{"toString":null}]'],
  ...['{"__proto__":null}', '{"__proto__":{"toString":1}}', '{"constructor":{"prototype":1}}'],
  ...['{"toJSON":1}', '{"then":1}', '{"length":-1}', '{"length":1e9}', '{"0":1,"length":1}'],
  ...['"__proto__"', '"constructor"', '"toString"', '"hasOwnProperty"', '"length"', '"prototype"'],
  ...['null', 'true', 'false', '""', '[]', '{}', '[[]]', '[null]', '[0]', '[[[0]]]', '" "'],
  ...['0', '-0', '-1', '0.5', '1e-320', '1e999', '-1e999', '1e21', '1e308', '4294967296'],
  ...['9007199254740993', '2147483648', '-2147483649', '123456789012345678901234567890'],
  ...['"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\u001b]0;x\\u0007"', '"\\u202e"', '"\\n"'],
  ...['"<script>"', '"\'\\"&<>`"', '"../../x"', '"/dev/zero"', '"."', '""', '"%s%n"', '"NaN"'],
  ...['"1"', '"0x10"', '"1e5"', '"1 2"', '"\\ufeff"', `"${'x'.repeat(70_000)}"`],
  ...[deep('[', ']', 50), deep('[', ']', 20_000), deep('{"a":', '}', 20_000)],
  `[${Array(3000).fill('0').join(',')}]`,
];
/** JSON texts of keys. */
const KEYS: readonly string[] = [
  ...['"__proto__"', '"constructor"', '"toString"', '"valueOf"', '"hasOwnProperty"', '"prototype"'],
  ...['"length"', '"then"', '"toJSON"', '""', '"0"', '"-1"', '"4294967295"', '"\\ud800"', '"a.b"'],
  ...['"\\u0000"', '"\\n"', '"\\u001b[2J"', '"<b>"', '"../x"', '"a/b"', '"~0"', '"\\"]"'],
];

/** Documents of a text: one of JSON or YAML, or one per line; none for other formats. */
export function documentsOf(text: string): readonly unknown[] {
  const trimmed = text.trim();
  if (/^\w+: /.test(trimmed)) return [parse(text, { merge: true })];
  if (!/^[[{]/.test(trimmed)) return [];
  const lines = trimmed.split('\n');
  const isLines = lines.length > 1 && lines.every((line) => /^\{.*\}$/.test(line));
  return isLines ? lines.map((line) => JSON.parse(line) as unknown) : [JSON.parse(trimmed)];
}

/** JSON of documents, one per line, with one to three values or keys replaced by such at which programs break. */
export function withOtherValues(documents: readonly unknown[], random: Random): string {
  const line = random.integer(documents.length);
  return documents
    .map((document, i) => {
      if (i !== line) return JSON.stringify(document);
      const places = countPlaces(document);
      const chosen = new Set(
        Array.from({ length: 1 + random.integer(3) }, () => random.integer(places)),
      );
      return new Writer(chosen, random).write(document);
    })
    .join('\n');
}

/** Every value and every key is a place. */
function countPlaces(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1;
  const perItem = Array.isArray(value) ? 0 : 1;
  return Object.values(value).reduce<number>((sum, each) => sum + perItem + countPlaces(each), 1);
}

/** Writes JSON; what stands at chosen places is replaced, doubled or left out. */
class Writer {
  private place = 0;

  constructor(
    private readonly chosen: ReadonlySet<number>,
    private readonly random: Random,
  ) {}

  private isChosen(): boolean {
    return this.chosen.has(this.place++);
  }

  private one(of: readonly string[]): string {
    return of[this.random.integer(of.length)];
  }

  write(value: unknown): string {
    if (this.isChosen()) return this.one(VALUES);
    if (Array.isArray(value)) return `[${value.map((item) => this.write(item)).join(',')}]`;
    if (typeof value !== 'object' || value === null) return JSON.stringify(value);
    const fields = Object.entries(value).flatMap(([key, item]) => {
      const isChanged = this.isChosen();
      const field = `${JSON.stringify(key)}:${this.write(item)}`;
      if (!isChanged) return [field];
      switch (this.random.integer(4)) {
        case 0:
          return [];
        case 1:
          return [field, `${this.one(KEYS)}:${this.one(VALUES)}`];
        case 2:
          return [`${this.one(KEYS)}:${this.write(item)}`];
        default:
          return [field, `${JSON.stringify(key)}:${this.one(VALUES)}`];
      }
    });
    return `{${fields.join(',')}}`;
  }
}
