import { ShapeError } from './errors.js';

/** Anything that has a shape: a tensor or a description of one. */
interface Shaped {
  readonly shape: readonly number[];
}

/** Number of elements of `shape`; 1 for a scalar. */
export function numElements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Formats a shape as `[2, 3]` for messages. */
export function formatShape(shape: readonly (number | string)[]): string {
  return `[${shape.join(', ')}]`;
}

/** Whether two shapes are equal. */
export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, axis) => size === b[axis]);
}

/**
 * Checks a shape against a pattern: numbers must match exactly, letters stand for any size (the
 * same letter for the same size).
 *
 * @throws ShapeError `where: expected [N, H, W, 8], got [1, 4, 4, 3]`
 */
export function assertShape(where: string, x: Shaped, pattern: readonly (number | string)[]): void {
  const bound = new Map<string, number>();
  const fits =
    x.shape.length === pattern.length &&
    pattern.every((want, axis) => {
      const size = x.shape[axis];
      if (typeof want === 'number') return want === size;
      const known = bound.get(want);
      if (known === undefined) bound.set(want, size);
      return known === undefined || known === size;
    });
  if (!fits) {
    throw new ShapeError(`${where}: expected ${formatShape(pattern)}, got ${formatShape(x.shape)}`);
  }
}
