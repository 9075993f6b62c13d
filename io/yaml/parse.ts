import { isScalar, parseDocument, visit, type Document } from 'yaml';

/** Largest number of values of a document after its aliases are resolved. */
const MAX_VALUES = 1_000_000;

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
  try {
    // The package compares each key with all others, which takes minutes for a hundred thousand of them.
    const document = parseDocument(text, { prettyErrors: true, uniqueKeys: false });
    const [problem] = [...document.errors, ...(strict ? document.warnings : [])];
    if (problem) {
      const message = problem.message.split('\n')[0].replace(/ at line .*/, '');
      throw new YamlProblem(message, problem.linePos?.[0].line, { cause: problem });
    }
    assertUniqueKeys(document, text);
    const value: unknown = document.toJS();
    if (numValues(value) > MAX_VALUES)
      throw new YamlProblem(`aliases that stand for more than ${MAX_VALUES} values`);
    return value;
  } catch (cause) {
    if (cause instanceof YamlProblem) throw cause;
    throw new YamlProblem((cause as Error).message.split('\n')[0], undefined, { cause });
  }
}

function assertUniqueKeys(document: Document, text: string): void {
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>();
      for (const { key } of items) {
        if (!isScalar(key)) continue;
        if (seen.size !== seen.add(key.value).size) continue;
        const line = text.slice(0, key.range?.[0] ?? 0).split('\n').length;
        throw new YamlProblem('Map keys must be unique', line);
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
