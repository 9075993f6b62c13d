import type { Random } from '../../core/random.js';

/** Texture of a surface: two colors mixed by a pattern, plus grain. */
export interface Texture {
  readonly pattern: 'plain' | 'stripes' | 'checks' | 'dots' | 'clouds';
  /** RGB, 0–255. */
  readonly first: readonly number[];
  readonly second: readonly number[];
  /** Period in pixels. */
  readonly period: number;
  /** Direction of the pattern, per pixel to the right and down. */
  readonly slopeX: number;
  readonly slopeY: number;
  /** `[LATTICE, LATTICE]` numbers 0 … 1 for clouds and grain. */
  readonly lattice: Float32Array;
  /** Amplitude of the grain, in steps of 255. */
  readonly grain: number;
}

const LATTICE = 32;
const PATTERNS = ['plain', 'stripes', 'checks', 'dots', 'clouds'] as const;

/**
 * Draws a random texture of the background, or of an object on the given background with a different color. The
 * background is duller and coarser.
 */
export function randomTexture(random: Random, ground?: Texture): Texture {
  const first = ground ? colorApartFrom(random, ground.first) : randomColor(random, 70, 150);
  const contrast = ground ? 90 : 40;
  const second = first.map((value) => {
    const change = random.between(0.4 * contrast, contrast);
    return Math.round(value > 128 ? value - change : value + change);
  });
  return {
    pattern: ground ? PATTERNS[random.integer(5)] : PATTERNS[1 + random.integer(4)],
    first,
    second,
    period: ground ? random.between(5, 12) : random.between(24, 64),
    slopeX: random.between(-1, 1),
    slopeY: random.between(-1, 1),
    lattice: Float32Array.from({ length: LATTICE * LATTICE }, () => random.uniform()),
    grain: ground ? 14 : 10,
  };
}

/** Draws a color whose total difference from `other` over the channels is at least this. */
const MIN_DISTANCE = 150;

function colorApartFrom(random: Random, other: readonly number[]): readonly number[] {
  for (;;) {
    const color = randomColor(random, 20, 235);
    const distance = color.reduce((sum, value, c) => sum + Math.abs(value - other[c]), 0);
    if (distance >= MIN_DISTANCE) return color;
  }
}

function randomColor(random: Random, low: number, high: number): readonly number[] {
  return Array.from({ length: 3 }, () => Math.round(random.between(low, high)));
}

/** Writes the color of a texture at pixel `(x, y)` to `out[at … at + 3)`. */
export function shade(texture: Texture, x: number, y: number, out: Uint8Array, at: number): void {
  const mix = mixAt(texture, x, y);
  // A repeated tile looks like grain and compresses well as PNG.
  const tile = texture.lattice[(y % LATTICE) * LATTICE + (x % LATTICE)];
  const grain = Math.floor(tile * 4) * (texture.grain / 3) - texture.grain / 2;
  for (let c = 0; c < 3; c++) {
    const value = texture.first[c] + (texture.second[c] - texture.first[c]) * mix + grain;
    out[at + c] = Math.max(0, Math.min(255, Math.floor(value)));
  }
}

/** Weight of the second color, 0 … 1. */
function mixAt(texture: Texture, x: number, y: number): number {
  const { pattern, period, slopeX, slopeY } = texture;
  const along = (x * slopeX + y * slopeY) / period;
  const across = (y * slopeX - x * slopeY) / period;
  switch (pattern) {
    case 'plain':
      return 0;
    case 'stripes':
      return along - Math.floor(along) < 0.5 ? 0 : 1;
    case 'checks':
      return (Math.floor(along * 2) + Math.floor(across * 2)) % 2 === 0 ? 0 : 1;
    case 'dots': {
      const dx = along - Math.floor(along) - 0.5;
      const dy = across - Math.floor(across) - 0.5;
      return dx * dx + dy * dy < 0.09 ? 1 : 0;
    }
    case 'clouds':
      return Math.floor(cloudAt(texture, x / period, y / period) * 8) / 8;
    default:
      return pattern satisfies never;
  }
}

/** Bilinear interpolation of the lattice. */
function cloudAt({ lattice }: Texture, x: number, y: number): number {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  const [fx, fy] = [x - column, y - row];
  const value = (dx: number, dy: number): number =>
    lattice[((row + dy) % LATTICE) * LATTICE + ((column + dx) % LATTICE)];
  const upper = value(0, 0) * (1 - fx) + value(1, 0) * fx;
  const lower = value(0, 1) * (1 - fx) + value(1, 1) * fx;
  return upper * (1 - fy) + lower * fy;
}
