import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { InputError } from '../../core/errors.js';
import { mutated, type Kind } from './mutate.js';
import type { Fuzzed } from './fuzzed.js';
import { parsers } from './parsers.js';
import { sets } from './sets.js';
import { documentsOf } from './values.js';
import { MOST_MS, Watch } from './watch.js';

/*
 * Valid files with mistakes: every reader must read them or refuse them with an InputError of one line, in time, and never
 * end the process. `npm run test:fuzz -- --help` lists the options; a failure prints what repeats it.
 */
const SEED = Number(process.env['FUZZ_SEED'] ?? 1);
const COUNT = Number(process.env['FUZZ_COUNT'] ?? 50_000);
const MINUTES = Number(process.env['FUZZ_MINUTES'] ?? 10);
const FROM = Number(process.env['FUZZ_FROM'] ?? 0);
const ONLY = process.env['FUZZ_ONLY']?.split(';').map((name) => name.trim());

const root = mkdtempSync(join(tmpdir(), 'convnextv2-fuzz-'));
afterAll(() => rmSync(root, { recursive: true }));
const every = [...(await parsers(root)), ...(await sets(root))];
/** After so many different failures a reader is given up. */
const MOST_PROBLEMS = 10;
/** Inputs by whose time readers are sorted. */
const FIRST_INPUTS = 20;
const all = await cheapestFirst(every.filter(({ name }) => ONLY?.includes(name) ?? true));
const ALL_MS = 60_000 * MINUTES;
const SHARE_MS = ALL_MS / all.length;
/** A timer knows no longer one than 2^31 ms. */
const TIMEOUT_MS = Math.min(60_000 + 3 * ALL_MS, 2 ** 31 - 1);
/** Time that the readers so far have had, and how many they were. */
let usedMs = 0;
let numDone = 0;

/** Sorts readers by the time of their first inputs: what the cheap ones leave is for the others. */
async function cheapestFirst(readers: readonly Fuzzed[]): Promise<readonly Fuzzed[]> {
  const timed: { readonly fuzzed: Fuzzed; readonly ms: number }[] = [];
  for (const fuzzed of readers) {
    const watch = new Watch(fuzzed.name, SEED);
    const kind = kindOf(fuzzed);
    await problemOf(fuzzed, fuzzed.corpus[0]); // compiles it
    const start = performance.now();
    for (let index = 0; index < FIRST_INPUTS; index++) {
      watch.start(index);
      await problemOf(fuzzed, mutated(kind, SEED, index));
    }
    timed.push({ fuzzed, ms: performance.now() - start });
    await watch.end();
    writeFileSync(fuzzed.file, fuzzed.corpus[0]);
  }
  return timed.sort((a, b) => a.ms - b.ms).map(({ fuzzed }) => fuzzed);
}

/** Adds the documents whose values are changed. */
function kindOf(fuzzed: Fuzzed): Kind {
  const { documents, corpus } = fuzzed;
  const texts = corpus.map((text) => documentsOf(Buffer.from(text).toString()));
  return {
    ...fuzzed,
    documents: documents ? [documents] : texts.filter(({ length }) => length > 0),
  };
}

/** Describes the fault in the reading of an input; undefined without one. */
async function problemOf({ file, read }: Fuzzed, input: Uint8Array): Promise<string | undefined> {
  writeFileSync(file, input);
  const start = process.cpuUsage();
  try {
    await read(file, input);
  } catch (error) {
    if (!(error instanceof InputError)) return `not an InputError: ${(error as Error).stack ?? ''}`;
    if (/[\n\u0000-\u0008\u000e-\u001f\u007f-\u009f]/.test(error.message))
      return `control characters in ${JSON.stringify(error.message)}`;
  }
  // The time of the processor: other programs may run beside this one.
  const { user, system } = process.cpuUsage(start);
  const ms = (user + system) / 1000;
  return ms > MOST_MS ? `took ${(ms / 1000).toFixed(1)} s` : undefined;
}

test('every reader has valid inputs', async () => {
  for (const fuzzed of all)
    for (const input of fuzzed.corpus) {
      writeFileSync(fuzzed.file, input);
      if (fuzzed.name !== 'data.yaml' && fuzzed.name !== 'configurations')
        await expect(
          Promise.resolve(fuzzed.read(fuzzed.file, input)),
          fuzzed.name,
        ).resolves.not.toThrow();
    }
}, 300_000);

test.each(all.map((fuzzed) => [fuzzed.name, fuzzed] as const))(
  '%s',
  async (name, fuzzed) => {
    const watch = new Watch(name, SEED);
    const kind = kindOf(fuzzed);
    // The same time for each of those that are left; `--count` ends one earlier.
    const began = performance.now();
    const end = began + (ALL_MS - usedMs) / (all.length - numDone);
    const before = process.memoryUsage.rss();
    let index = FROM;
    let most = 0;
    const problems = new Map<string, string>();
    try {
      for (; index < FROM + COUNT && performance.now() < end; index++) {
        watch.start(index);
        const start = performance.now();
        const problem = await problemOf(fuzzed, mutated(kind, SEED, index));
        most = Math.max(most, performance.now() - start);
        if (problem === undefined) continue;
        // The same failure once, and then the others.
        const sort = problem.replace(/\d+/g, '');
        if (!problems.has(sort))
          problems.set(
            sort,
            `--seed ${SEED} --only "${name}" --from ${index} --count 1: ${problem}`,
          );
        if (problems.size >= MOST_PROBLEMS) break;
      }
    } finally {
      await watch.end();
      usedMs += performance.now() - began;
      numDone++;
      // The readers of the run folder that follow find it valid.
      writeFileSync(fuzzed.file, fuzzed.corpus[0]);
    }
    const grown = (process.memoryUsage.rss() - before) / 2 ** 20;
    console.log(
      `${name}: seed ${SEED}, ${index - FROM} inputs, slowest ${most.toFixed(0)} ms, memory +${grown.toFixed(0)} MiB`,
    );
    expect([...problems.values()].join('\n'), name).toBe('');
    expect(grown, `${name}: memory`).toBeLessThan(1024);
  },
  TIMEOUT_MS,
);

/** Readers of JSON once more with changed values instead of bytes. */
const isJson = ({ corpus }: Fuzzed): boolean => /^\s*[[{]/.test(Buffer.from(corpus[0]).toString());
test.each(all.filter(isJson).map((fuzzed) => [fuzzed.name, fuzzed] as const))(
  '%s, by values',
  async (name, fuzzed) => {
    const texts = fuzzed.corpus.map((text) => Buffer.from(text).toString());
    const documents = texts.filter((text) => documentsOf(text).length > 0);
    const values = fc.oneof(
      fc.jsonValue(),
      fc.constantFrom(null, -1, 0, 1e300, -1e300, 2 ** 53, '', [], {}, true),
    );
    const place = fc.array(fc.nat(30), { minLength: 1, maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...documents), place, values, async (text, path, value) => {
        const isLines = fuzzed.file.endsWith('.jsonl');
        const document: unknown = isLines
          ? text
              .trim()
              .split('\n')
              .map((l) => JSON.parse(l) as unknown)
          : JSON.parse(text);
        const changed = replaced(document, path, value);
        const lines = isLines && Array.isArray(changed) ? (changed as unknown[]) : [changed];
        const input = lines.map((line) => JSON.stringify(line)).join('\n');
        expect(await problemOf(fuzzed, Buffer.from(input))).toBe(undefined);
      }),
      { seed: SEED, numRuns: Math.min(1000, COUNT), interruptAfterTimeLimit: SHARE_MS / 4 },
    );
    writeFileSync(fuzzed.file, fuzzed.corpus[0]);
    console.log(`${name}, by values: seed ${SEED}`);
  },
  60_000 + 3 * SHARE_MS,
);

function replaced(document: unknown, path: readonly number[], value: unknown): unknown {
  if (typeof document !== 'object' || document === null || path.length === 0) return value;
  const keys = Object.keys(document);
  if (keys.length === 0) return value;
  const key = keys[path[0] % keys.length];
  const copy = Array.isArray(document) ? [...(document as unknown[])] : { ...document };
  const items = copy as Record<string, unknown>;
  items[key] = replaced(items[key], path.slice(1), value);
  return copy;
}
