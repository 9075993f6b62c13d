/** A value of a configuration in Python: `dict(a=1)` and `{'a': 1}` are records, tuples and lists are arrays. */
export type PythonValue =
  | string
  | number
  | boolean
  | null
  | undefined
  | readonly PythonValue[]
  | { readonly [key: string]: PythonValue };

/** Limit of nesting; real configurations have about ten levels. */
const MAX_DEPTH = 64;
/** Limit of the text in characters; real configurations have some ten thousand. */
const MAX_LENGTH = 2 ** 20;

/** Limit of the characters that are read, because those of an assignment that is not understood may be read again. */
const MAX_WORK = 4 * MAX_LENGTH;

const SPACE = /(?:[ \t\r\n\\]|#[^\n]*)*/y;
const NAME = /[A-Za-z_][\w.]*/y;
const NUMBER = /[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?/y;
const TEXT =
  /[rRbBuU]{0,2}(?:'''([^]*?)'''|"""([^]*?)"""|'((?:[^'\\\n]|\\[^])*)'|"((?:[^"\\\n]|\\[^])*)")/y;
/** Stars before an argument, whose content is elsewhere. */
const UNPACKED = /\*{1,2}/y;
const END = /[ \t\r]*(?:#[^\n]*)?(?:\n|$)/y;
/** Beginning of an assignment at the margin. */
const ASSIGNMENT = /^([A-Za-z_]\w*) *= */gm;

const CONSTANTS = new Map<string, PythonValue>([
  ['True', true],
  ['False', false],
  ['None', null],
]);

/**
 * Reads the assignments of literals in a text of Python, as the configurations of OpenMMLab are printed. Nothing is
 * executed: names and calls other than `dict(…)` are undefined, and an assignment that is not understood is left out. Of
 * records that are assigned twice the fields are merged.
 */
export function pythonAssignments(text: string): Readonly<Record<string, PythonValue>> {
  let found: PythonRecord = {};
  if (text.length > MAX_LENGTH) return found;
  let [end, work] = [0, 0];
  for (const match of text.matchAll(ASSIGNMENT)) {
    if (match.index < end) continue;
    const start = match.index + match[0].length;
    const literals = new Literals(text, start);
    const value = literals.read();
    if (value !== undefined) {
      end = literals.position;
      found = merged(found, { [match[1]]: value });
    }
    work += literals.position - start;
    if (work > MAX_WORK) break;
  }
  return found;
}

type PythonRecord = { readonly [key: string]: PythonValue };

/** Whether a value is a record. */
export const isPythonRecord = (value: PythonValue): value is PythonRecord =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function merged(first: PythonRecord, second: PythonRecord): PythonRecord {
  const both = Object.entries(second).map(([key, value]): [string, PythonValue] => {
    const before = Object.hasOwn(first, key) ? first[key] : undefined;
    return [key, isPythonRecord(before) && isPythonRecord(value) ? merged(before, value) : value];
  });
  return { ...first, ...Object.fromEntries(both) };
}

/** Thrown inside the reader where the text is no literal. */
const NO_LITERAL = Symbol('no literal');

/** Reader of one value. */
class Literals {
  constructor(
    private readonly text: string,
    private at: number,
  ) {}

  /** Position after what was read. */
  get position(): number {
    return this.at;
  }

  /** The value at the start, or undefined if it is none. */
  read(): PythonValue {
    try {
      const value = this.value(0);
      // An operator behind it would make it another value.
      return this.take(END) ? value : undefined;
    } catch (error) {
      if (error !== NO_LITERAL) throw error;
      return undefined;
    }
  }

  private value(depth: number): PythonValue {
    if (depth > MAX_DEPTH) this.fail();
    this.skip();
    const opening = this.text[this.at];
    if (opening === '[') return this.items(']', depth);
    if (opening === '(') return this.items(')', depth);
    if (opening === '{') return this.entries(depth);
    const text = this.take(TEXT);
    if (text) return unescaped(text[1] ?? text[2] ?? text[3] ?? text[4]);
    const number = this.take(NUMBER);
    if (number) return Number(number[0].replaceAll('_', ''));
    const name = this.take(NAME)?.[0] ?? this.fail();
    if (this.text[this.at] !== '(') return CONSTANTS.get(name);
    const fields = this.fields(depth);
    return name === 'dict' ? fields : undefined;
  }

  private items(closing: string, depth: number): readonly PythonValue[] {
    const items: PythonValue[] = [];
    for (this.at++; !this.closes(closing); this.separate(closing))
      items.push(this.value(depth + 1));
    return items;
  }

  /** `{'key': value, …}`; a set has no values and fails. */
  private entries(depth: number): PythonValue {
    const fields: [string, PythonValue][] = [];
    for (this.at++; !this.closes('}'); this.separate('}')) {
      const key = this.value(depth + 1);
      this.skip();
      if (this.text[this.at++] !== ':') this.fail();
      fields.push([String(key), this.value(depth + 1)]);
    }
    return Object.fromEntries(fields);
  }

  /** Arguments of a call; those without a name are left out. */
  private fields(depth: number): PythonValue {
    const fields: [string, PythonValue][] = [];
    for (this.at++; !this.closes(')'); this.separate(')')) {
      this.take(UNPACKED);
      const start = this.at;
      const key = this.take(NAME)?.[0];
      this.skip();
      if (key !== undefined && this.text[this.at] === '=') {
        this.at++;
        fields.push([key, this.value(depth + 1)]);
      } else {
        this.at = start;
        this.value(depth + 1);
      }
    }
    return Object.fromEntries(fields);
  }

  /** Whether the next character closes; it is then consumed. */
  private closes(closing: string): boolean {
    this.skip();
    if (this.at >= this.text.length) this.fail();
    if (this.text[this.at] !== closing) return false;
    this.at++;
    return true;
  }

  /** Consumes a comma, unless the next character closes. */
  private separate(closing: string): void {
    this.skip();
    if (this.text[this.at] === ',') this.at++;
    else if (this.text[this.at] !== closing) this.fail();
  }

  private skip(): void {
    SPACE.lastIndex = this.at;
    this.at += SPACE.exec(this.text)?.[0].length ?? 0;
  }

  private take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (!match) return undefined;
    this.at += match[0].length;
    return match;
  }

  private fail(): never {
    throw NO_LITERAL;
  }
}

const unescaped = (text: string): string => text.replace(/\\(['"\\])/g, '$1');
