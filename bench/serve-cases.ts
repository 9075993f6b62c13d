import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { Random } from '../core/random.js';
import { toJson } from '../core/results.js';
import { open } from '../inference/open.js';
import { isImageName } from '../io/files/images.js';

/** A request and its right answer. */
export interface Case {
  readonly kind: 'image' | 'broken' | 'hung';
  readonly body: Buffer;
  /** Row of the prediction; undefined: an error of status 4xx. */
  readonly expected?: object;
}

/** Requests of a run, and how far numbers of an answer may be from those of `predict`. */
export interface Cases {
  readonly images: readonly Case[];
  readonly broken: readonly Case[];
  readonly tolerance: number;
}

const SIZES = [
  [64, 64],
  [320, 240],
  [640, 480],
  [1280, 960],
  [2000, 1500],
] as const;
/** Smallest score of a detector's objects. */
export const SCORE = 0.3;
/** Classes of a classifier's answer. */
const TOP = 5;
/** With --batch-ms, pictures of a classifier are predicted in batches, which round otherwise. */
const BATCH_TOLERANCE = 1e-5;
const PHOTO = [4000, 3000] as const;

/** A picture of soft colors. */
async function picture(
  [width, height]: readonly [number, number],
  random: Random,
  format: 'jpeg' | 'png',
): Promise<Buffer> {
  const data = Uint8Array.from({ length: 3 * 32 * 24 }, () => random.integer(256));
  return sharp(data, { raw: { width: 32, height: 24, channels: 3 } })
    .resize(width, height, { fit: 'fill' })
    .toFormat(format)
    .toBuffer();
}

/** A photo of 12 megapixels. */
export const largePhoto = (): Promise<Buffer> => picture(PHOTO, new Random(2), 'jpeg');

/** Pictures of a folder, or of mixed sizes from 64x64 to 2000x1500 as JPEG and PNG. */
async function pictures(folder: string | undefined): Promise<readonly Buffer[]> {
  if (folder !== undefined)
    return readdirSync(folder)
      .filter(isImageName)
      .slice(0, 40)
      .map((name) => readFileSync(join(folder, name)));
  const random = new Random(1);
  const bodies: Buffer[] = [];
  for (const size of SIZES)
    for (const format of ['jpeg', 'png'] as const) bodies.push(await picture(size, random, format));
  return bodies;
}

/** Predicts the pictures in this process, and adds broken bodies. */
export async function casesOf(model: string, folder: string | undefined): Promise<Cases> {
  // As the server opens it: other formulas round otherwise.
  const opened = await open(model, { frozen: true });
  try {
    const images: Case[] = [];
    for (const body of await pictures(folder)) {
      const result = await opened.predict(body, { score: SCORE, top: TOP });
      const { task: _, ...fields } = toJson(result);
      images.push({ kind: 'image', body, expected: { name: 'image', ...fields } });
    }
    const [{ body }] = images;
    const broken = [
      body.subarray(0, body.length / 3),
      Buffer.from('{"image": 1'),
      Buffer.from('x'),
    ];
    return {
      images,
      broken: broken.map((each) => ({ kind: 'broken', body: each })),
      tolerance: opened.task === 'classify' ? BATCH_TOLERANCE : 0,
    };
  } finally {
    await opened.release();
  }
}

/**
 * Largest difference between numbers of two JSON values; infinite if they differ in anything else. Classes that are as
 * probable as each other, up to the tolerance, may change places.
 */
export function differenceOf(actual: unknown, expected: unknown, tolerance: number): number {
  if (typeof actual === 'number' && typeof expected === 'number')
    return Math.abs(actual - expected);
  if (typeof expected !== 'object' || expected === null || typeof actual !== 'object' || !actual)
    return actual === expected ? 0 : Infinity;
  if (Array.isArray(expected) && isRanking(expected))
    return rankingDifference(actual, expected, tolerance);
  const [own, other] = [Object.entries(expected), Object.keys(actual)];
  if (own.length !== other.length) return Infinity;
  const values = actual as Readonly<Record<string, unknown>>;
  return Math.max(0, ...own.map(([key, value]) => differenceOf(values[key], value, tolerance)));
}

interface ClassRow {
  readonly name: string;
  readonly probability: number;
}

const isRanking = (rows: readonly unknown[]): rows is readonly ClassRow[] =>
  rows.length > 0 && typeof rows[0] === 'object' && 'probability' in (rows[0] as object);

function rankingDifference(
  actual: unknown,
  expected: readonly ClassRow[],
  tolerance: number,
): number {
  if (!Array.isArray(actual) || actual.length !== expected.length) return Infinity;
  const differences = expected.map(({ name, probability }, rank) => {
    const own = actual[rank] as ClassRow;
    if (own.name === name) return Math.abs(own.probability - probability);
    const isTie = expected.some(
      (other, i) => i !== rank && Math.abs(other.probability - probability) <= 2 * tolerance,
    );
    // The last class may have changed places with one that is not in the list.
    const isLast = rank === expected.length - 1;
    return isTie || isLast ? Math.abs(own.probability - probability) : Infinity;
  });
  return Math.max(...differences);
}
