/**
 * Winograd's short convolutions with fewer multiplications: `y = Aᵀ((G w) ∘ (Bᵀ d))` gives four outputs of a filter with
 * three taps from six inputs with six products instead of twelve; in two dimensions, 36 instead of 144 for a 4×4 tile.
 *
 * @see Winograd's minimal filtering for convolutional networks: https://arxiv.org/abs/1509.09308
 */

/** Outputs of a tile along one axis. */
export const TILE = 4;
/** Inputs of a tile along one axis: the tile and one pixel on either side. */
export const PATCH = TILE + 2;
/** Products of a tile. */
export const PRODUCTS = PATCH * PATCH;

/**
 * Points at which the polynomials are evaluated, in addition to infinity. 0, ±¾, ±3/2 keep the transforms well
 * conditioned: the error of a convolution over 256 channels is 2e-6 of its largest value, versus 9e-6 with the usual 0,
 * ±1, ±2 (4e-7 without transforms).
 */
const POINTS = [0, 0.75, -0.75, 1.5, -1.5];

/** Transform matrices of one axis, row-major. */
interface AxisTransforms {
  /** `[4, 6]`: products to outputs, Aᵀ. */
  readonly output: readonly (readonly number[])[];
  /** `[6, 3]`: taps to factors, G. */
  readonly filter: readonly (readonly number[])[];
  /** `[6, 6]`: inputs to factors, Bᵀ. */
  readonly input: readonly (readonly number[])[];
}

/** Toom–Cook construction: evaluation at {@link POINTS} and infinity, products, interpolation. */
export function axisTransforms(): AxisTransforms {
  const powers = (x: number, count: number): number[] =>
    Array.from({ length: count }, (_, i) => x ** i);
  const others = (x: number): number[] => POINTS.filter((point) => point !== x);
  const last = (size: number): number[] =>
    Array.from({ length: size }, (_, i) => (i === size - 1 ? 1 : 0));
  const values = [...POINTS.map((x) => powers(x, TILE)), last(TILE)]; // [6, 4]
  return {
    output: Array.from({ length: TILE }, (_, i) => values.map((row) => row[i])),
    filter: [
      ...POINTS.map((x) => {
        const scale = others(x).reduce((product, point) => product * (x - point), 1);
        return powers(x, 3).map((power) => power / scale);
      }),
      last(3),
    ],
    input: [...POINTS.map((x) => [...fromRoots(others(x)), 0]), fromRoots(POINTS)],
  };
}

/** Computes the coefficients of `Π (x − root)`, constant term first. */
function fromRoots(roots: readonly number[]): number[] {
  return roots.reduce<number[]>(
    (polynomial, root) =>
      [...polynomial, 0].map((coefficient, i) => (polynomial[i - 1] ?? 0) - root * coefficient),
    [1],
  );
}

/** Computes the matrix of both axes, `matrix ⊗ matrix`, row-major; optionally transposed. */
export function twoAxes(
  matrix: readonly (readonly number[])[],
  order: 'plain' | 'transposed' = 'plain',
): { readonly shape: [number, number]; readonly data: Float32Array } {
  const [rows, columns] = [matrix.length, matrix[0].length];
  const shape: [number, number] =
    order === 'plain' ? [rows ** 2, columns ** 2] : [columns ** 2, rows ** 2];
  const data = new Float32Array(rows ** 2 * columns ** 2);
  for (let i = 0; i < rows ** 2; i++) {
    for (let j = 0; j < columns ** 2; j++) {
      const value =
        matrix[Math.floor(i / rows)][Math.floor(j / columns)] * matrix[i % rows][j % columns];
      data[order === 'plain' ? i * columns ** 2 + j : j * rows ** 2 + i] = value;
    }
  }
  return { shape, data };
}
