import { describe, expect, test } from 'vitest';
import { compileSchema, formatProblems } from '../../io/schema.js';

const SCHEMA = {
  type: 'object',
  additionalProperties: false,
  required: ['id'],
  properties: {
    id: { type: 'integer', minimum: 1 },
    mode: { enum: ['crop', 'warp'] },
    box: { type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 4 },
    'a/b': { type: ['number', 'null'], exclusiveMinimum: 0 },
    kind: {
      type: 'object',
      required: ['kind'],
      discriminator: { propertyName: 'kind' },
      oneOf: ['adam', 'sgd'].map((kind) => ({ properties: { kind: { const: kind } } })),
    },
  },
};

describe('compileSchema', () => {
  test('a value that fits has no problems, and a schema is compiled once', () => {
    expect(compileSchema(SCHEMA)({ id: 1, mode: 'crop', 'a/b': null })).toEqual([]);
    expect(compileSchema(SCHEMA)).toBe(compileSchema(SCHEMA));
  });

  test.each<[unknown, string, string]>([
    [3, '', 'expected an object, got 3'],
    [{}, 'id', 'expected a value, got none'],
    [{ id: 0 }, 'id', 'expected a whole number from 1, got 0'],
    [{ id: 'x' }, 'id', 'expected a whole number from 1, got "x"'],
    [{ id: 1, mod: 1 }, 'mod', 'expected one of id, mode, box, a/b, kind, got mod; nearest: mode'],
    [{ id: 1, mode: 'wrp' }, 'mode', 'expected one of crop, warp, got "wrp"; nearest: warp'],
    [{ id: 1, mode: 2 }, 'mode', 'expected one of crop, warp, got 2'],
    [{ id: 1, box: [1] }, 'box', 'expected a list of 4, got 1: [1]'],
    [{ id: 1, box: [1, 2, 3, '4'] }, 'box/3', 'expected a number, got "4"'],
    [{ id: 1, 'a/b': 0 }, 'a/b', 'expected a number above 0 or null, got 0'],
    [
      { id: 1, kind: { kind: { toString: '' } } },
      'kind/kind',
      'expected one of adam, sgd, got {"toString":""}',
    ],
    [
      { id: 1, kind: { kind: 'adm' } },
      'kind/kind',
      'expected one of adam, sgd, got adm; nearest: adam',
    ],
  ])('%j is described', (value, path, message) => {
    const [problem, ...others] = compileSchema(SCHEMA)(value);
    expect([problem.path, problem.message, others]).toEqual([path, message, []]);
  });

  test('an unknown field comes with those that are known', () => {
    const [{ known }] = compileSchema(SCHEMA)({ id: 1, mod: 1 });
    expect(known).toEqual(['id', 'mode', 'box', 'a/b', 'kind']);
    expect(compileSchema(SCHEMA)({ id: 'x' })[0].known).toBeUndefined();
  });
});

test('formatProblems shows the first ones and counts the others', () => {
  const problems = compileSchema(SCHEMA)({ id: 1, box: ['a', 'b', 'c', 'd'] });
  expect(formatProblems(problems, 1)).toBe('box/0: expected a number, got "a"; and 3 more');
  expect(formatProblems([{ path: '', message: 'expected x' }])).toBe('expected x');
});
