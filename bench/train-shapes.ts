import { createDenseBackbone } from '../backbone/output-norms.js';
import { VARIANTS, type VariantName } from '../backbone/variants.js';
import { gridOf } from '../datasets/transforms/geometry.js';
import { ParameterStore } from '../engine/parameters/store.js';
import { openEngine } from '../engine/runtime/engine.js';
import { createDetector } from '../models/detector.js';
import { needsRelaunch, relaunch } from '../tools/relaunch.js';
import { DetectionStep } from '../train/detect/step.js';
import { SINGLE_PROCESS } from '../train/distributed/communicator.js';
import type { DetectionBatch } from '../train/pipelines/detect.js';
import { DETECT } from '../train/recipes/detect.js';
import { benchOptions } from './options.js';

/**
 * Measures what many image sizes cost in training: CPU time of a detector's steps when each of the padded sizes of a set
 * of photos at 240 to 400 px comes for the first time, again, and of as many steps of one size.
 *
 *     node dist/bench/train-shapes.js [--model atto] [--batch 2]
 *
 * CPU time, because a busy machine does not change it. Uses the command line's allocator settings.
 */
if (needsRelaunch('benchmark')) process.exit(await relaunch());

const { model: size, batch: numImages } = benchOptions([], { model: 'atto', batch: 2 });

/** `[width, height]` */
const SIZES = [
  [384, 256],
  [416, 256],
  [320, 256],
  [352, 256],
  [256, 320],
  [256, 256],
  [288, 256],
  [256, 288],
  [256, 384],
  [256, 352],
  [256, 416],
  [416, 224],
  [416, 192],
] as const;

const model = createDetector(createDenseBackbone(VARIANTS[size as VariantName]), {
  ...DETECT.detector,
  numClasses: 1,
});
const store = new ParameterStore(model.specs);
store.initialize(0);
const step = new DetectionStep(
  {
    engine: await openEngine(),
    model,
    store,
    gradients: new Float32Array(store.values.length),
    communicator: SINGLE_PROCESS,
  },
  { seed: 0, dropPathRate: 0, sampling: 'random' },
);

const round = async (sizes: readonly (readonly [number, number])[]): Promise<number> => {
  let cpuMs = 0;
  for (const [width, height] of sizes) {
    const batch = batchOf(width, height);
    const before = process.cpuUsage();
    await step.run(batch, { step: 0, micro: 0 });
    const { user, system } = process.cpuUsage(before);
    cpuMs += (user + system) / 1000;
  }
  return cpuMs / sizes.length;
};
const megabytes = (): string => `${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`;
const report = (what: string, ms: number): void =>
  console.log(`${what}: ${ms.toFixed(0)} CPU ms per step, ${megabytes()}`);

report(`${SIZES.length} sizes, first time`, await round(SIZES));
report('again', await round(SIZES));
report('again', await round(SIZES));
const [one] = SIZES;
const pixels = SIZES.reduce((sum, [width, height]) => sum + width * height, 0) / SIZES.length;
const alone = await round(SIZES.map(() => one));
report(`one size of ${one.join('x')}`, alone);
report('one size, for the pixels of all', (alone * pixels) / (one[0] * one[1]));
await step.release();

function batchOf(width: number, height: number): DetectionBatch {
  const images = new Float32Array(numImages * width * height * 3);
  for (let i = 0; i < images.length; i++) images[i] = Math.sin(0.7 * i);
  const polygon = Float64Array.of(30, 40, 160, 40, 160, 180, 30, 180);
  const input = (index: number): DetectionBatch['inputs'][number] => ({
    index,
    imageId: index,
    file: `image ${index}`,
    width,
    height,
    objects: {
      boxes: Float32Array.of(30, 40, 160, 180),
      classIndices: Int32Array.of(0),
      segmentations: [{ kind: 'polygons', polygons: [polygon] }],
      ids: Float64Array.of(index),
    },
    grid: gridOf({ width, height }, []),
  });
  return {
    images,
    shape: [numImages, height, width, 3],
    inputs: Array.from({ length: numImages }, (_, n) => input(n)),
  };
}
