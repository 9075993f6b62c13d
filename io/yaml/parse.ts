import { isAlias, isScalar, parseDocument, visit, type Document, type Node } from 'yaml';

/** Largest number of values of a document after its aliases are resolved. */
const MAX_VALUES = 1_000_000;

/** Longest text: a hundred thousand classes with their names; the package takes some hundred bytes of memory for each character. */
const MAX_CHARACTERS = 2 ** 21;

const TOO_DEEP = 'values nested too deeply';

/** Largest number of anchors and aliases. */
const MAX_MARKS = 5000;

/** Problem of a YAML text, in one line. */
export class YamlProblem extends Error {
  /** @param line from 1, if known */
  constructor(
    message: string,
    readonly line?: number,
    details?: ErrorOptions,
  ) {
    super(message, details);
  }
}

/**
 * Parses a YAML (or JSON) document to plain values. Aliases are resolved within a budget, so that a few lines cannot stand
 * for billions of values.
 *
 * @param strict whether warnings, e.g. of an unknown tag, are problems, too: the text may be misread
 * @throws YamlProblem
 */
export function parseYaml(text: string, { strict = false } = {}): unknown {
  if (text.length > MAX_CHARACTERS)
    throw new YamlProblem(`${text.length} characters (at most ${MAX_CHARACTERS})`);
  try {
    // The package compares each key with all others, which takes minutes for a hundred thousand of them.
    // Errors are not made pretty, because that takes the length of a line for each of them.
    // It would print keys that are lists as warnings of the process.
    const document = parseDocument(text, {
      prettyErrors: false,
      uniqueKeys: false,
      logLevel: 'error',
    });
    const [problem] = [...document.errors, ...(strict ? document.warnings : [])];
    if (problem) {
      const isDeep = problem.message.includes('call stack');
      const [message] = isDeep ? [TOO_DEEP] : problem.message.split('\n', 1);
      throw new YamlProblem(message, lineAt(text, problem.pos[0]), { cause: problem });
    }
    assertSound(document, text);
    const value: unknown = document.toJS();
    if (numValues(value) > MAX_VALUES)
      throw new YamlProblem(`aliases that stand for more than ${MAX_VALUES} values`);
    return value;
  } catch (cause) {
    if (cause instanceof YamlProblem) throw cause;
    if (cause instanceof RangeError) throw new YamlProblem(TOO_DEEP, undefined, { cause });
    throw new YamlProblem((cause as Error).message.split('\n')[0], undefined, { cause });
  }
}

/** Line of a position, from 1; undefined if there is none. */
const lineAt = (text: string, position: number): number | undefined =>
  position < 0 ? undefined : text.slice(0, position).split('\n').length;

/** Checks that keys are unique, and that aliases are found in a short time: for each one the package looks at all. */
function assertSound(document: Document, text: string): void {
  let numMarks = 0;
  const countMarks = (node: Node): void => {
    if ((isAlias(node) || node.anchor !== undefined) && ++numMarks > MAX_MARKS)
      throw new YamlProblem(`more than ${MAX_MARKS} anchors and aliases`);
  };
  visit(document, {
    Alias: (_, node) => countMarks(node),
    Scalar: (_, node) => countMarks(node),
    Seq: (_, node) => countMarks(node),
    Map: (_, node) => {
      countMarks(node);
      const { items } = node;
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.size !== seen.add(key.value).size) continue;
        throw new YamlProblem('Map keys must be unique', lineAt(text, key.range?.[0] ?? 0));
      }
    },
  });
}

/** Counts values as often as aliases repeat them; every object is visited once. */
function numValues(value: unknown): number {
  const known = new Map<object, number>();
  const count = (part: unknown): number => {
    if (typeof part !== 'object' || part === null) return 1;
    const before = known.get(part);
    if (before !== undefined) return before;
    known.set(part, Infinity); // an alias inside of its own anchor
    const sum = Object.values(part).reduce<number>((total, item) => total + count(item), 1);
    known.set(part, sum);
    return sum;
  };
  return count(value);
}
