import { AnnotationsError, DataError } from '../core/errors.js';

/** Severity of a problem: training rejects the set, skips or changes the record, or does nothing. */
export type Severity = 'error' | 'warning' | 'note';

/** A kind of problem. `meaning` describes the problem and its effect in a few words. */
export interface ProblemKind {
  readonly code: string;
  readonly severity: Severity;
  readonly meaning: string;
}

/** Creates the kinds of one severity from their meanings; the code of `boxSmall` is `box-small`. */
export function problemKinds<Name extends string>(
  severity: Severity,
  meanings: Readonly<Record<Name, string>>,
): Readonly<Record<Name, ProblemKind>> {
  const kinds = Object.entries<string>(meanings).map(([name, meaning]) => {
    const code = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    return [name, { code, severity, meaning }];
  });
  return Object.fromEntries(kinds) as Record<Name, ProblemKind>;
}

/** Callback that reports an occurrence of a kind. */
export type ReportProblem = (kind: ProblemKind, message: string) => void;

/** One occurrence: `message` reads `where: expected X, got Y` without the file. */
export interface Problem {
  readonly file: string;
  readonly message: string;
  readonly id?: number | string | undefined;
  /** Position in the tables of a set, for display. */
  readonly row?: { readonly table: 'images' | 'annotations'; readonly index: number } | undefined;
}

/** Occurrences of one kind: all are counted, the first ones are kept. */
export interface Finding extends ProblemKind {
  readonly count: number;
  readonly examples: readonly Problem[];
}

/** Collects problems: counts all of them and keeps the first `maxExamples` of each kind. */
export class ProblemLog {
  private readonly kinds = new Map<
    string,
    { readonly kind: ProblemKind; count: number; readonly examples: Problem[] }
  >();
  private first: Problem | undefined;

  constructor(private readonly maxExamples = 20) {}

  add(kind: ProblemKind, problem: Problem): void {
    let entry = this.kinds.get(kind.code);
    if (!entry) this.kinds.set(kind.code, (entry = { kind, count: 0, examples: [] }));
    entry.count++;
    if (entry.examples.length < this.maxExamples) entry.examples.push(problem);
    if (kind.severity === 'error') this.first ??= problem;
  }

  /** Number of problems of this severity. */
  count(severity: Severity): number {
    let sum = 0;
    for (const { kind, count } of this.kinds.values()) if (kind.severity === severity) sum += count;
    return sum;
  }

  /** Whether a problem of this kind was reported. */
  has(kind: ProblemKind): boolean {
    return this.kinds.has(kind.code);
  }

  /** Problems by kind, errors first, then in order of first occurrence. */
  findings(): readonly Finding[] {
    const order: readonly Severity[] = ['error', 'warning', 'note'];
    return [...this.kinds.values()]
      .map(({ kind, count, examples }) => ({ ...kind, count, examples }))
      .sort((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity));
  }

  /** @throws DataError with the first error, the number of others, and how to list them */
  throwErrors(): void {
    if (!this.first) return;
    const { file, message, id } = this.first;
    const more = this.count('error') - 1;
    const rest = more > 0 ? ` (and ${more} more: \`convnextv2 data check\` lists them)` : '';
    throw AnnotationsError.in(file, `${message}${rest}`, { id });
  }
}

/** {@link errorAsValue} of synchronous work. */
export function errorAsValueSync<T>(work: () => T): T | DataError {
  try {
    return work();
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
}

/** Returns the result of `work` or its DataError, for checks that continue after a bad file. */
export async function errorAsValue<T>(work: Promise<T>): Promise<T | DataError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
}
