import { WorkError } from '../../core/errors.js';
import { Random } from '../../core/random.js';
import { evenly } from '../../datasets/evenly.js';
import type { SampleSource } from '../../datasets/loader/loader.js';
import { cutOutObjects, type Cutout } from '../../datasets/object-cutouts.js';
import type { DetectionSample } from '../../datasets/sample.js';
import { transformImage } from '../../datasets/transforms/geometry-image.js';
import type { GeometricStep } from '../../datasets/transforms/geometry.js';
import {
  normalizationTable,
  normalizeInto,
  type PixelStats,
} from '../../datasets/transforms/normalize.js';
import type { LoadedClassificationBatch } from '../classify/trainer.js';
import type { ObjectPretraining } from '../config/object-pretraining.js';
import { decodeSample } from '../pipelines/detect.js';

/** Most images whose objects are cut out, and most cutouts. */
const MOST_IMAGES = 1000;
const MOST_CUTOUTS = 4096;
/** Side of the stored cutouts in sides of the input: the rest is cut off at random. */
const MARGIN = 1.25;
const SEEDS = { cut: 0x637574, batch: 0x626174 } as const;

/** Ends training before the first step. @throws WorkError if it is aborted */
export function assertRunning(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new WorkError('train: stopped before the first step, so there is nothing to go on from');
}

/**
 * Cuts out the objects of the images, or of so many of them, evenly.
 *
 * @throws DataError for an image that cannot be decoded; WorkError if it is aborted
 */
export async function cutOutAll(
  samples: SampleSource<DetectionSample>,
  { size }: ObjectPretraining,
  {
    numClasses,
    seed,
    signal,
  }: {
    readonly numClasses: number;
    readonly seed: number;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<readonly Cutout[]> {
  const numbers = Array.from({ length: samples.length }, (_, i) => i);
  const few = evenly(numbers, MOST_IMAGES);
  const numObjects = few.reduce(
    (sum, i) => sum + (samples.at(i)?.objects.classIndices.length ?? 0),
    0,
  );
  // Of images with many objects fewer are needed, from all parts of the set.
  const fraction = Math.min(1, (2 * MOST_CUTOUTS) / Math.max(numObjects, 1));
  const indices = evenly(few, Math.ceil(fraction * few.length));
  const all: Cutout[] = [];
  const options = { size: Math.round(MARGIN * size), numClasses };
  for (const index of indices) {
    assertRunning(signal);
    const sample = samples.at(index);
    if (!sample || sample.objects.classIndices.length === 0) continue;
    const random = new Random(seed, SEEDS.cut, index);
    all.push(...cutOutObjects(await decodeSample(sample), sample.objects, { ...options, random }));
    if (all.length >= 2 * MOST_CUTOUTS) break;
  }
  return evenly(all, MOST_CUTOUTS);
}

/** Draws batches of cutouts without end: every cutout once, in another order each time, shifted, scaled and mirrored. */
export async function* drawBatches(
  cutouts: readonly Cutout[],
  { batchSize, size }: ObjectPretraining,
  { pixels, seed }: { readonly pixels: PixelStats; readonly seed: number },
): AsyncGenerator<LoadedClassificationBatch> {
  const table = normalizationTable(pixels);
  const shape = [batchSize, size, size, 3] as const;
  const values = size * size * 3;
  const images = new Float32Array(batchSize * values);
  const random = new Random(seed, SEEDS.batch);
  let order: number[] = [];
  for (;;) {
    const indices = Int32Array.from({ length: batchSize }, () => {
      if (order.length === 0) order = random.shuffle(cutouts.map((_, i) => i));
      return order.pop() ?? 0;
    });
    indices.forEach((index, n) => {
      const steps = drawView(cutouts[index].image.width, size, random);
      const image = transformImage(cutouts[index].image, steps);
      normalizeInto(image, table, images, { offset: n * values });
    });
    const labels = indices.map((index) => cutouts[index].classIndex);
    yield { value: { images, shape, labels, indices, lambda: 1 }, release: () => undefined };
  }
}

/** Draws a square window of a cutout, from the input's size relative to the margin up to the whole, and a flip. */
function drawView(stored: number, size: number, random: Random): readonly GeometricStep[] {
  const side = Math.round(random.between(stored / MARGIN, stored));
  const [x, y] = [random.integer(stored - side + 1), random.integer(stored - side + 1)];
  const steps: GeometricStep[] = [
    { kind: 'crop', window: { x, y, width: side, height: side } },
    { kind: 'resize', size: { width: size, height: size } },
  ];
  return random.chance(0.5) ? [...steps, { kind: 'flip' }] : steps;
}
