import { createDenseBackbone } from '../backbone/output-norms.js';
import { VARIANTS, type VariantName } from '../backbone/variants.js';
import { ConfigError } from '../core/errors.js';
import { Random } from '../core/random.js';
import { ParameterStore } from '../engine/parameters/store.js';
import { openEngine } from '../engine/runtime/engine.js';
import { DETECTION_THRESHOLDS } from '../models/detection/config.js';
import { DetectorPredictor } from '../inference/detect/predictor.js';
import { createMaskRcnn, MASK_RCNN } from '../models/mask-rcnn.js';
import { needsRelaunch, relaunch } from '../tools/relaunch.js';
import { benchOptions } from './options.js';

/**
 * Measures the memory of a detector that sees many image sizes: resident set size after each image of a new padded size.
 * It should not grow: after 60 sizes it should be at most 1.15 times that after 5.
 *
 *     node dist/bench/detect-shapes.js --model tiny --shapes 60 --short 800 [--order mixed --seed 0]
 *
 * The largest size comes first, as in evaluations, so growth means memory that was not returned; in mixed order, larger
 * sizes that come later legitimately need more. `--repeat` runs every size that many times and prints the time of each
 * run. Uses the command line's allocator settings.
 */
if (needsRelaunch('benchmark')) process.exit(await relaunch());

const values = benchOptions([], {
  model: 'tiny',
  shapes: 60,
  short: 800,
  order: 'largest-first',
  seed: 0,
  repeat: 1,
});

const backbone = createDenseBackbone(VARIANTS[values.model as VariantName]);
const model = createMaskRcnn(backbone, MASK_RCNN);
const store = new ParameterStore(model.specs);
store.initialize(0);
const predictor = new DetectorPredictor({
  engine: await openEngine(),
  model,
  store,
  thresholds: { ...DETECTION_THRESHOLDS, scoreThreshold: 0.02 },
});

const { short, shapes } = values;
/** Distinct padded sizes, as of COCO images at 800/1333. */
const all = Array.from({ length: 200 }, (_, i) => {
  const long = 32 * Math.round((short * (1 + (i % 27) / 40)) / 32);
  const side = short - 32 * Math.floor(i / 27);
  return i % 2 === 0 ? [long, side] : [side, long];
});
const distinct = [...new Map(all.map((size) => [size.join(), size])).values()].slice(0, shapes);
const sizes = inOrder(values.order, distinct);
const mebibytes = (): number => process.memoryUsage().rss / 2 ** 20;

const seen: number[] = [];
for (const [i, [width, height]] of sizes.entries()) {
  const data = new Float32Array(width * height * 3);
  for (let k = 0; k < data.length; k++) data[k] = Math.sin(k);
  const size = { width, height };
  const times: number[] = [];
  for (let look = 0; look < values.repeat; look++) {
    const start = performance.now();
    await predictor.predict({
      shape: [1, height, width, 3],
      data,
      imageSize: size,
      originalSize: size,
      scale: { x: 1, y: 1 },
    });
    times.push(performance.now() - start);
  }
  seen.push(mebibytes());
  console.log(
    `${i + 1}: ${width}x${height}, ${mebibytes().toFixed(0)} MiB, ${times.map((ms) => ms.toFixed(0)).join(' ')} ms`,
  );
}
const [after5, last] = [seen[Math.min(4, seen.length - 1)], seen[seen.length - 1]];
console.log(
  `${sizes.length} sizes: ${last.toFixed(0)} MiB, ${(last / after5).toFixed(2)} times that after 5 (${after5.toFixed(0)} MiB), at most ${Math.max(...seen).toFixed(0)} MiB`,
);
await predictor.release();

function inOrder(order: string, given: readonly number[][]): readonly number[][] {
  if (order === 'largest-first') return [...given].sort((a, b) => b[0] * b[1] - a[0] * a[1]);
  const random = new Random(values.seed);
  if (order === 'mixed') return random.shuffle([...given]);
  throw new ConfigError(`--order: expected largest-first or mixed, got ${order}`);
}
