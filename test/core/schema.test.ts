import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  FLAG,
  byKind,
  extend,
  list,
  literal,
  number,
  omit,
  oneOf,
  optional,
  orNull,
  record,
  whole,
  withUnknownFields,
  type Infer,
} from '../../core/schema.js';
import { compileSchema } from '../../io/schema.js';

const Shape = byKind(
  record({ kind: literal('circle'), radius: number({ above: 0 }) }),
  record({ kind: literal('box'), sides: list(whole(1), 2) }),
);
const Picture = record({
  shape: Shape,
  filled: optional(FLAG),
  color: oneOf('red', 'blue'),
  path: list(number()),
});

describe('schemas', () => {
  test('describe the type that they check', () => {
    const check = compileSchema(Picture);
    const picture = { shape: { kind: 'box', sides: [1, 2] }, color: 'red', path: [0.5] };
    expect(check(picture)).toEqual([]);
    expect(check({ ...picture, color: 'green' })).toHaveLength(1);
    expectTypeOf<Infer<typeof Picture>>().toEqualTypeOf<{
      readonly shape:
        | { readonly kind: 'circle'; readonly radius: number }
        | { readonly kind: 'box'; readonly sides: readonly [number, number] };
      readonly filled?: boolean | undefined;
      readonly color: 'red' | 'blue';
      readonly path: readonly number[];
    }>();
  });

  test('take what fits and name what does not', () => {
    const check = compileSchema(
      record({ shape: Shape, filled: optional(FLAG), size: whole(1, 4) }),
    );
    expect(check({ shape: { kind: 'circle', radius: 1 }, size: 4 })).toEqual([]);
    expect(check({ shape: { kind: 'box', sides: [1, 2] }, size: 1, filled: true })).toEqual([]);
    const wrong = { shape: { kind: 'box', sides: [0, 2] }, size: 5, fill: true };
    expect(
      check(wrong)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(['fill', 'shape/sides/0', 'size']);
    expect(check({ shape: { kind: 'circle' }, size: 1 })).toEqual([
      { path: 'shape/radius', message: 'expected a value, got none' },
    ]);
  });

  test('extend and omit keep what is optional', () => {
    const Base = record({ a: number(), b: optional(number()) });
    const More = extend(omit(Base, 'a'), { c: FLAG });
    expectTypeOf<Infer<typeof More>>().toEqualTypeOf<{
      readonly b?: number | undefined;
      readonly c: boolean;
    }>();
    const check = compileSchema(More);
    expect(check({ c: true })).toEqual([]);
    expect(check({ c: true, a: 1 }).map(({ path }) => path)).toEqual(['a']);
    expect(check({ b: 1 }).map(({ path }) => path)).toEqual(['c']);
  });

  test('unknown fields are let through where that is wanted, at any depth', () => {
    const Outer = record({ inner: record({ a: number() }), list: list(record({ b: number() })) });
    const value = { inner: { a: 1, c: 2 }, list: [{ b: 1, d: 2 }], e: 3 };
    expect(compileSchema(Outer)(value).map(({ path }) => path)).toEqual([
      'e',
      'inner/c',
      'list/0/d',
    ]);
    const check = compileSchema(withUnknownFields(Outer));
    expect(check(value)).toEqual([]);
    expect(check({ ...value, inner: {} }).map(({ path }) => path)).toEqual(['inner/a']);
  });

  test('what may be null takes null and keeps its bounds', () => {
    const check = compileSchema(record({ size: orNull(number({ from: 0 })) }));
    expect(check({ size: null })).toEqual([]);
    expect(check({ size: -1 })).toEqual([
      { path: 'size', message: 'expected a number from 0 or null, got -1' },
    ]);
  });
});
