import fc from 'fast-check';
import { expect, test } from 'vitest';
import { dictionary, list, oneOf, record, type Schema } from '../../core/schema.js';
import { schemaFault } from '../../core/schema-fault.js';
import { IMAGENET_PIXELS } from '../../datasets/transforms/normalize.js';
import { DetectorCard } from '../../inference/card.js';
import { compileSchema } from '../../io/schema.js';
import { DETECTION_THRESHOLDS } from '../../models/detection/config.js';
import { MASK_RCNN } from '../../models/mask-rcnn.js';

const CARD = {
  task: 'detect',
  backbone: { depths: [1, 1, 1, 1], dims: [4, 4, 4, 4], responseNorm: 'grn' },
  detector: { ...MASK_RCNN, numClasses: 2 },
  classNames: ['a', 'b'],
  categoryIds: [1, 2],
  pixels: IMAGENET_PIXELS,
  limits: { long: 96, short: 64 },
  thresholds: DETECTION_THRESHOLDS,
};

/** Paths of all values of a document. */
function pathsOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  const own = path.length > 0 ? [path] : [];
  if (typeof value !== 'object' || value === null) return own;
  return [...own, ...Object.entries(value).flatMap(([key, item]) => pathsOf(item, [...path, key]))];
}

const PATHS = pathsOf(CARD);
const VALUES = fc.constantFrom<unknown>(
  ...[0, -1, 0.5, 1e9, NaN, Infinity, '', 'grn', 'none', null, true, [], [1, 2, 3, 4], {}],
  ...[undefined, { kind: 'l1' }, { toString: 1 }, ['a', 'b']],
);

test('a fault is found where the compiled schema finds problems, and only there', () => {
  const schema = DetectorCard as Schema;
  expect(schemaFault(schema, CARD)).toBeUndefined();
  let numFaults = 0;
  fc.assert(
    fc.property(fc.constantFrom(...PATHS), VALUES, fc.boolean(), (path, value, adds) => {
      const changed = JSON.parse(JSON.stringify(CARD)) as Record<string, unknown>;
      let at = changed;
      for (const key of path.slice(0, -1)) at = at[key] as Record<string, unknown>;
      at[adds && !Array.isArray(at) ? 'unknown' : path.at(-1)!] = value;
      const [fault, problems] = [schemaFault(schema, changed), compileSchema(schema)(changed)];
      expect(fault === undefined, `${path.join('/')} = ${String(fault)}`).toBe(
        problems.length === 0,
      );
      if (fault !== undefined) numFaults++;
    }),
    { numRuns: 500, seed: 4 },
  );
  expect(numFaults).toBeGreaterThan(100);
});

test('the place is named, in lists, records, dictionaries and their own keys', () => {
  const schema = record({ sizes: dictionary(list(oneOf('a', 'b'))) });
  expect(schemaFault(schema, { sizes: { x: ['a', 'c'] } })).toBe(
    'sizes/x/1: expected a, b, got "c"',
  );
  expect(schemaFault(schema, { sizes: { x: [] } })).toBe(
    'sizes/x: expected a list of at least 1, got 0',
  );
  expect(schemaFault(schema, {})).toBe('expected sizes, got none');
  expect(schemaFault(schema, { sizes: {}, constructor: 1 })).toBe(
    'expected sizes, got "constructor"',
  );
  expect(schemaFault(schema, [])).toBe('expected object, got []');
  expect(schemaFault(schema, JSON.parse('{"sizes":{"__proto__":["c"]}}'))).toMatch('__proto__/0');
});
