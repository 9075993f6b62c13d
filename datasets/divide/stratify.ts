import { ConfigError } from '../../core/errors.js';
import { Random } from '../../core/random.js';
import type { SplitName } from '../layout/types.js';

/** An image to be put in a part. */
export interface DividedImage {
  /** Images of one group stay together. Names of groups and their sizes decide, not the order of the images. */
  readonly group: string;
  /** Classes that occur in it, each once. */
  readonly classes: readonly number[];
}

/** Fractions of the images for the parts besides `train`. */
export interface DivisionRule {
  readonly valFraction: number;
  /** 0 for no test part. */
  readonly testFraction: number;
  readonly seed: number;
}

/** Images of every part, ascending. */
export type Division = Readonly<Partial<Record<SplitName, readonly number[]>>>;

/** Images that stay together. */
interface Group {
  readonly images: number[];
  /** Number of images of each class in the group. */
  readonly counts: Map<number, number>;
  part: number;
}

/** A part while it is filled: how much it still wants. */
interface Part {
  readonly name: SplitName;
  readonly fraction: number;
  images: number;
  readonly classes: Map<number, number>;
}

/**
 * Divides images so that every class has the wanted fraction of its images in each part, as far as groups allow: group
 * by group, those of the rarest class first, each to the part that lacks most of that class.
 *
 * @param source for messages
 * @throws ConfigError for fractions that leave nothing for training, or fewer groups than parts
 * @see Sechidis et al., On the Stratification of Multi-Label Data, 2011: https://doi.org/10.1007/978-3-642-23808-6_10
 */
export function stratify(
  images: readonly DividedImage[],
  rule: DivisionRule,
  source: string,
): Division {
  const parts = partsOf(rule, images.length);
  const groups = groupsOf(images, rule.seed);
  if (groups.length < parts.length)
    throw new ConfigError(
      `${source}: expected at least ${parts.length} images or groups of images for ${parts.map(({ name }) => name).join(', ')}, got ${groups.length}`,
    );
  const left = new Map<number, number>(); // images by class in groups without a part
  for (const { counts } of groups)
    for (const [k, count] of counts) left.set(k, (left.get(k) ?? 0) + count);
  for (const part of parts)
    for (const [k, count] of left) part.classes.set(k, count * part.fraction);
  const queues = queuesByClass(groups);
  for (let k = rarest(left); k !== undefined; k = rarest(left)) {
    const queue = queues.get(k) ?? [];
    while (queue.length > 0 && queue[queue.length - 1].part >= 0) queue.pop();
    const group = queue.pop();
    if (group) place(group, k, parts, left);
    else left.delete(k);
  }
  for (const group of [...groups].sort(bySize)) if (group.part < 0) place(group, -1, parts, left);
  fillEmpty(groups, parts);
  return Object.fromEntries(
    parts.map(({ name }, p) => [
      name,
      groups.flatMap((group) => (group.part === p ? group.images : [])).sort((a, b) => a - b),
    ]),
  );
}

function partsOf({ valFraction, testFraction }: DivisionRule, numImages: number): readonly Part[] {
  for (const value of [valFraction, testFraction])
    if (!(value >= 0 && value < 1))
      throw new ConfigError(
        `--val-fraction, --test-fraction: expected numbers from 0 to below 1, got ${value}`,
      );
  const heldOut = valFraction + testFraction;
  if (!(heldOut > 0 && heldOut < 1))
    throw new ConfigError(
      `--val-fraction, --test-fraction: expected a sum above 0 and below 1, got ${heldOut}`,
    );
  const fractions = [
    { name: 'train', fraction: 1 - heldOut },
    { name: 'val', fraction: valFraction },
    { name: 'test', fraction: testFraction },
  ] as const;
  return fractions
    .filter(({ fraction }) => fraction > 0)
    .map((part) => ({ ...part, images: part.fraction * numImages, classes: new Map() }));
}

/** Groups in an order that depends on their names and the seed only. */
function groupsOf(images: readonly DividedImage[], seed: number): readonly Group[] {
  const byName = new Map<string, Group>();
  images.forEach(({ group: name, classes }, i) => {
    let group = byName.get(name);
    if (!group) byName.set(name, (group = { images: [], counts: new Map(), part: -1 }));
    group.images.push(i);
    for (const k of classes) group.counts.set(k, (group.counts.get(k) ?? 0) + 1);
  });
  const names = [...byName.keys()].sort();
  const sorted = names.flatMap((name) => byName.get(name) ?? []);
  return new Random(seed).shuffle(sorted);
}

/** Groups with a class, those with most of its images last, to be taken first: they are hardest to place. */
function queuesByClass(groups: readonly Group[]): ReadonlyMap<number, Group[]> {
  const queues = new Map<number, Group[]>();
  for (const group of groups)
    for (const k of group.counts.keys()) {
      const queue = queues.get(k);
      if (queue) queue.push(group);
      else queues.set(k, [group]);
    }
  for (const [k, queue] of queues)
    queue.sort((a, b) => (a.counts.get(k) ?? 0) - (b.counts.get(k) ?? 0));
  return queues;
}

const bySize = (a: Group, b: Group): number => b.images.length - a.images.length;

/** Class with the fewest images left, the lowest of several. */
function rarest(left: ReadonlyMap<number, number>): number | undefined {
  let found: number | undefined;
  let least = Infinity;
  for (const [k, count] of left)
    if (count < least || (count === least && found !== undefined && k < found))
      [found, least] = [k, count];
  return found;
}

/** Puts a group in the part that lacks most images of class `k`, or else most images. */
function place(group: Group, k: number, parts: readonly Part[], left: Map<number, number>): void {
  let best = 0;
  for (let p = 1; p < parts.length; p++) {
    const difference = (parts[p].classes.get(k) ?? 0) - (parts[best].classes.get(k) ?? 0);
    // Wanted numbers are fractions: rounding must not decide.
    if (difference > 1e-9) best = p;
    else if (difference > -1e-9 && parts[p].images > parts[best].images + 1e-9) best = p;
  }
  group.part = best;
  const part = parts[best];
  part.images -= group.images.length;
  for (const [other, count] of group.counts) {
    part.classes.set(other, (part.classes.get(other) ?? 0) - count);
    const rest = (left.get(other) ?? 0) - count;
    if (rest > 0) left.set(other, rest);
    else left.delete(other);
  }
}

/** Gives every part at least one group: the smallest of the part with the most. */
function fillEmpty(groups: readonly Group[], parts: readonly Part[]): void {
  const members = (p: number): readonly Group[] => groups.filter(({ part }) => part === p);
  parts.forEach((_, p) => {
    if (members(p).length > 0) return;
    const richest = parts
      .map((_part, q) => members(q))
      .reduce((most, some) => (some.length > most.length ? some : most));
    [...richest].sort(bySize)[richest.length - 1].part = p;
  });
}
