import type { Random } from '../../core/random.js';
import { FORMS } from './forms.js';
import { randomTexture, type Texture } from './texture.js';

/** Options of a scene. */
interface SceneOptions {
  readonly width: number;
  readonly height: number;
  readonly minObjects: number;
  readonly maxObjects: number;
  /**
   * Whether objects have a single color and are complete, separate, without holes or crowds, which a small network learns
   * in minutes.
   */
  readonly plain?: boolean | undefined;
}

/** One drawn shape. `[ux, uy]` is its x axis, a unit vector. */
interface Piece {
  readonly classIndex: number;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly ux: number;
  readonly uy: number;
  /** Radius of the hole in the middle as a fraction of `radius`, 0 for none. */
  readonly hole: number;
}

/** One annotated object: a piece, or for a crowd several of one class. */
interface SceneObject {
  readonly classIndex: number;
  readonly isCrowd: boolean;
  readonly pieces: readonly Piece[];
  readonly texture: Texture;
  /** Number of pixels inside the picture that it would cover without occlusion. */
  readonly fullArea: number;
}

/** A scene before rendering. */
export interface Scene {
  readonly width: number;
  readonly height: number;
  readonly ground: Texture;
  /** From back to front. */
  readonly objects: readonly SceneObject[];
  /** `[H, W]`: 1 + index of the visible object, 0 for the background. */
  readonly owners: Uint8Array;
}

/** Fractions of the objects that are crowds, that are placed over an earlier one, and that have a hole. */
const CROWD_FRACTION = 0.05;
const COVERING_FRACTION = 0.7;
const HOLE_FRACTION = 0.35;
/** Smallest visible fraction of an object, and the covered fraction for intended occlusions. */
const MIN_VISIBLE = { fraction: 0.3, areaPx: 30 };
const MAX_VISIBLE_WHEN_COVERED = 0.75;
const ATTEMPTS = 40;

/**
 * Composes a scene: shapes of all sizes from back to front, half of them small, many partly covered by later ones, a few
 * crowds. The same random stream gives the same scene.
 */
export function composeScene(random: Random, options: SceneOptions): Scene {
  const { width, height, minObjects, maxObjects } = options;
  const ground = randomTexture(random);
  const owners = new Uint8Array(width * height); // [H, W]
  const plain = options.plain ?? false;
  const canvas: Canvas = { width, height, plain, ground, owners, objects: [], visible: [] };
  const wanted = minObjects + random.integer(maxObjects - minObjects + 1);
  for (let n = 0; n < wanted; n++) {
    const covering = random.chance(plain ? 0 : COVERING_FRACTION);
    if (!(covering && place(random, canvas, true))) place(random, canvas, false);
  }
  return { width, height, ground, objects: canvas.objects, owners };
}

interface Canvas {
  readonly width: number;
  readonly height: number;
  readonly plain: boolean;
  readonly ground: Texture;
  readonly owners: Uint8Array;
  readonly objects: SceneObject[];
  /** Counts the visible pixels of each object. */
  readonly visible: number[];
}

/** Tries to add an object, so that it covers an earlier one if `covering`. @returns whether a position was found */
function place(random: Random, canvas: Canvas, covering: boolean): boolean {
  const { objects, visible, owners, plain } = canvas;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const isCrowd = random.chance(plain ? 0 : CROWD_FRACTION);
    const radius = randomRadius(random, Math.min(canvas.width, canvas.height) / 4);
    const target = covering ? coverTarget(random, canvas, radius) : undefined;
    if (covering && target === undefined) return false;
    const center =
      target === undefined
        ? anywhere(random, canvas, radius)
        : besides(random, objects[target].pieces[0], radius);
    const classIndex = random.integer(FORMS.length);
    const pieces = isCrowd
      ? crowdPieces(random, classIndex, center)
      : [randomPiece(random, classIndex, center, radius, plain ? 0 : HOLE_FRACTION)];
    const pixels = pixelsOf(pieces, canvas);
    if (pixels.length < MIN_VISIBLE.areaPx) continue;
    if (plain && pixels.some((pixel) => owners[pixel] > 0)) continue;
    const left = visible.slice();
    for (const pixel of pixels) if (owners[pixel] > 0) left[owners[pixel] - 1]--;
    const hidesTooMuch = left.some(
      (area, o) =>
        area < visible[o] &&
        area < Math.max(MIN_VISIBLE.areaPx, MIN_VISIBLE.fraction * objects[o].fullArea),
    );
    if (hidesTooMuch) continue;
    if (target !== undefined && left[target] > MAX_VISIBLE_WHEN_COVERED * objects[target].fullArea)
      continue;
    const drawn = randomTexture(random, canvas.ground);
    const texture: Texture = plain ? { ...drawn, pattern: 'plain' } : drawn;
    objects.push({ classIndex, isCrowd, pieces, texture, fullArea: pixels.length });
    left.push(pixels.length);
    visible.splice(0, visible.length, ...left);
    for (const pixel of pixels) owners[pixel] = objects.length;
    return true;
  }
  return false;
}

/** Half of the radii give objects below 32² pixels. */
function randomRadius(random: Random, largest: number): number {
  const u = random.uniform();
  const radius =
    u < 0.5 ? random.between(6, 15) : u < 0.85 ? random.between(16, 32) : random.between(33, 60);
  return Math.min(radius, largest);
}

/** Chooses an object that is not covered yet and small enough to be covered noticeably. */
function coverTarget(random: Random, canvas: Canvas, radius: number): number | undefined {
  const { objects, visible } = canvas;
  const whole = objects.flatMap(({ isCrowd, pieces, fullArea }, o) =>
    !isCrowd && visible[o] === fullArea && pieces[0].radius < 2 * radius ? [o] : [],
  );
  return whole.length > 0 ? whole[random.integer(whole.length)] : undefined;
}

type Point = readonly [x: number, y: number];

/** Draws a center such that a large part lies in the picture. */
function anywhere(random: Random, { width, height }: Canvas, radius: number): Point {
  const margin = 0.4 * radius;
  return [random.between(margin, width - margin), random.between(margin, height - margin)];
}

/** Draws a center at which a shape of `radius` partly overlaps `piece`. */
function besides(random: Random, piece: Piece, radius: number): Point {
  const [ux, uy] = randomDirection(random);
  const distance = (piece.radius + radius) * random.between(0.35, 0.8);
  return [piece.x + ux * distance, piece.y + uy * distance];
}

function randomPiece(
  random: Random,
  classIndex: number,
  [x, y]: Point,
  radius: number,
  holeFraction: number,
): Piece {
  const [ux, uy] = randomDirection(random);
  const { maxHole } = FORMS[classIndex];
  const hole = random.chance(holeFraction) ? maxHole * random.between(0.7, 1) : 0;
  return { classIndex, x, y, radius, ux, uy, hole };
}

/** Draws six to ten small shapes of one class around a center. */
function crowdPieces(random: Random, classIndex: number, [x, y]: Point): readonly Piece[] {
  return Array.from({ length: 6 + random.integer(5) }, () => {
    const [ux, uy] = randomDirection(random);
    const distance = 32 * random.uniform();
    const center: Point = [x + ux * distance, y + uy * distance];
    return randomPiece(random, classIndex, center, random.between(5, 9), HOLE_FRACTION);
  });
}

/** Draws a unit vector: a random point of the unit disk divided by its length. `Math.sqrt` is exact on every engine. */
function randomDirection(random: Random): Point {
  for (;;) {
    const x = random.between(-1, 1);
    const y = random.between(-1, 1);
    const square = x * x + y * y;
    if (square > 1 || square < 1e-4) continue;
    const length = Math.sqrt(square);
    return [x / length, y / length];
  }
}

/** Visits the pixels whose centers lie in one of the pieces, each once. */
function pixelsOf(pieces: readonly Piece[], canvas: Canvas): readonly number[] {
  if (pieces.length === 1) return pixelsOfPiece(pieces[0], canvas);
  return [...new Set(pieces.flatMap((piece) => pixelsOfPiece(piece, canvas)))];
}

function pixelsOfPiece(piece: Piece, { width, height }: Canvas): number[] {
  const { classIndex, x, y, radius, ux, uy, hole } = piece;
  const { inside } = FORMS[classIndex];
  const left = Math.max(0, Math.floor(x - radius));
  const right = Math.min(width - 1, Math.ceil(x + radius));
  const top = Math.max(0, Math.floor(y - radius));
  const bottom = Math.min(height - 1, Math.ceil(y + radius));
  const pixels: number[] = [];
  for (let row = top; row <= bottom; row++)
    for (let column = left; column <= right; column++) {
      const dx = (column + 0.5 - x) / radius;
      const dy = (row + 0.5 - y) / radius;
      const square = dx * dx + dy * dy;
      if (square > 1 || square < hole * hole) continue;
      if (inside(dx * ux + dy * uy, dy * ux - dx * uy)) pixels.push(row * width + column);
    }
  return pixels;
}
