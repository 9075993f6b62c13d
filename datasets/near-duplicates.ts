/** Size of the gray pictures that are compared. */
export const COMPARED_SIZE = { width: 9, height: 8 } as const;

/** A small gray picture, `[8, 9]` row by row. */
export type ComparedPicture = ArrayLike<number>;

/** Two similar images of different parts. */
export interface NearDuplicate {
  /** Index of the image of the later part. */
  readonly image: number;
  /** Index of the most similar image of an earlier part. */
  readonly other: number;
  /** Number of bits of 64 in which their hashes differ. */
  readonly distance: number;
}

/** Most bits in which the hashes of near duplicates differ. */
const MAX_DISTANCE = 4;
/** Largest mean difference of the gray values of near duplicates: pictures without contrast have similar hashes, too. */
const MAX_GRAY_DIFFERENCE = 10;
/** Images of one hash that are compared one by one. */
const MAX_OF_HASH = 50;

/** A 64-bit hash as two halves of 32 bits, each without a sign. */
export type DifferenceHash = readonly [high: number, low: number];

/**
 * Computes the difference hash of a picture: one bit per pixel, whether it is brighter than its right neighbor.
 *
 * @see https://www.hackerfactor.com/blog/index.php?/archives/529-Kind-of-Like-That.html
 */
export function differenceHash(picture: ComparedPicture): DifferenceHash {
  const { width, height } = COMPARED_SIZE;
  const halves: [number, number] = [0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x + 1 < width; x++) {
      const at = y * width + x;
      const half = y < height / 2 ? 0 : 1;
      halves[half] = ((halves[half] << 1) | (picture[at] > picture[at + 1] ? 1 : 0)) >>> 0;
    }
  return halves;
}

/** Images of one hash. */
interface HashGroup {
  readonly hash: DifferenceHash;
  readonly images: number[];
}

/**
 * Finds images that have a near duplicate in an earlier part, each with the most similar one.
 *
 * @param pictures undefined for images that cannot be read
 * @param parts number of the part of every image
 * @returns the most similar first
 */
export function nearDuplicates(
  pictures: readonly (ComparedPicture | undefined)[],
  parts: ArrayLike<number>,
): readonly NearDuplicate[] {
  const groups = groupByHash(pictures);
  const best = new Map<number, NearDuplicate & { readonly difference: number }>();
  const compare = (image: number, other: number, distance: number): void => {
    const [a, b] = [pictures[image], pictures[other]];
    if (!a || !b || parts[other] >= parts[image]) return;
    const difference = meanDifference(a, b);
    if (difference > MAX_GRAY_DIFFERENCE) return;
    const known = best.get(image);
    const isBetter =
      !known ||
      distance < known.distance ||
      (distance === known.distance && difference < known.difference);
    if (isBetter) best.set(image, { image, other, distance, difference });
  };
  /** Compares images of one group to those of another that are in earlier parts. */
  const compareGroups = (some: HashGroup, others: HashGroup, distance: number): void => {
    const early = others.images
      .toSorted((a, b) => parts[a] - parts[b] || a - b)
      .slice(0, MAX_OF_HASH);
    for (const a of some.images) for (const b of early) compare(a, b, distance);
  };
  for (const group of groups) compareGroups(group, group, 0);
  forSimilar(groups, (first, second, distance) => {
    compareGroups(first, second, distance);
    compareGroups(second, first, distance);
  });
  return [...best.values()]
    .sort((a, b) => a.distance - b.distance || a.difference - b.difference || a.image - b.image)
    .map(({ image, other, distance }) => ({ image, other, distance }));
}

function groupByHash(pictures: readonly (ComparedPicture | undefined)[]): readonly HashGroup[] {
  const byHash = new Map<string, HashGroup>();
  pictures.forEach((picture, i) => {
    if (!picture) return;
    const hash = differenceHash(picture);
    const group = byHash.get(hash.join());
    if (group) group.images.push(i);
    else byHash.set(hash.join(), { hash, images: [i] });
  });
  return [...byHash.values()];
}

/** Bands of bits: hashes that differ in at most four bits are equal in at least one of five bands. */
const NUM_BANDS = MAX_DISTANCE + 1;

/** Visits every pair of similar hashes once. */
function forSimilar(
  groups: readonly HashGroup[],
  visit: (first: HashGroup, second: HashGroup, distance: number) => void,
): void {
  for (let band = 0; band < NUM_BANDS; band++) {
    const buckets = new Map<number, HashGroup[]>();
    for (const group of groups) {
      const key = bandOf(group.hash, band);
      const bucket = buckets.get(key) ?? [];
      for (const other of bucket) {
        const distance = numDifferent(group.hash, other.hash);
        if (distance <= MAX_DISTANCE && firstEqualBand(group.hash, other.hash) === band)
          visit(other, group, distance);
      }
      bucket.push(group);
      buckets.set(key, bucket);
    }
  }
}

/** Two bands of 13 bits and one of 6 in each half, of which the short ones are one band. */
function bandOf([high, low]: DifferenceHash, band: number): number {
  if (band === NUM_BANDS - 1) return ((high & 0x3f) << 6) | (low & 0x3f);
  const half = band < 2 ? high : low;
  return (half >>> (band % 2 === 0 ? 19 : 6)) & 0x1fff;
}

function firstEqualBand(a: DifferenceHash, b: DifferenceHash): number {
  let band = 0;
  while (band < NUM_BANDS && bandOf(a, band) !== bandOf(b, band)) band++;
  return band;
}

function numDifferent(a: DifferenceHash, b: DifferenceHash): number {
  return numBits(a[0] ^ b[0]) + numBits(a[1] ^ b[1]);
}

function numBits(word: number): number {
  let count = 0;
  for (let left = word >>> 0; left !== 0; left = (left & (left - 1)) >>> 0) count++;
  return count;
}

function meanDifference(a: ComparedPicture, b: ComparedPicture): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a[i] - b[i]);
  return sum / a.length;
}
