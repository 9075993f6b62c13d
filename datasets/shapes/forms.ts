/**
 * A shape of the synthetic set in the unit disk: `inside(x, y)` tests whether a point belongs to the shape, with x to the
 * right and y down. Only `+ − × ÷` and comparisons are used, so every JavaScript engine draws the same pixels.
 */
interface Form {
  readonly name: string;
  readonly inside: (x: number, y: number) => boolean;
  /** Largest radius of a round hole in the middle; 0 if none fits. */
  readonly maxHole: number;
}

/** The six classes in order of their indices. */
export const FORMS: readonly Form[] = [
  { name: 'disc', inside: (x, y) => x * x + y * y <= 1, maxHole: 0.55 },
  { name: 'square', inside: (x, y) => Math.abs(x) <= 0.7 && Math.abs(y) <= 0.7, maxHole: 0.45 },
  {
    name: 'triangle',
    inside: (x, y) => y <= 0.5 && Math.abs(x) <= 0.577350269 * (y + 1),
    maxHole: 0.3,
  },
  { name: 'star', inside: insideStar, maxHole: 0.28 },
  {
    name: 'cross',
    inside: (x, y) => {
      const [wide, high] = [Math.abs(x), Math.abs(y)];
      return (wide <= 0.32 && high <= 0.94) || (wide <= 0.94 && high <= 0.32);
    },
    maxHole: 0.2,
  },
  {
    name: 'crescent',
    inside: (x, y) => x * x + y * y <= 1 && (x - 0.45) * (x - 0.45) + y * y > 0.64,
    maxHole: 0,
  },
];

/** Outward normals of the five long lines of a pentagram, to nine digits, since `Math.cos` may differ between engines. */
const NORMALS: readonly (readonly [number, number])[] = [
  [0, 1],
  [0.951056516, 0.309016994],
  [0.587785252, -0.809016994],
  [-0.587785252, -0.809016994],
  [-0.951056516, 0.309016994],
];
/** Distance of those lines from the center: `cos 72°`. */
const LINE = 0.309016994;

/** A point is in a pentagram if it lies inside at least four of its five lines. */
function insideStar(x: number, y: number): boolean {
  let numOutside = 0;
  for (const [nx, ny] of NORMALS) if (nx * x + ny * y > LINE) numOutside++;
  return numOutside <= 1;
}
