import { createDenseBackbone } from '../backbone/output-norms.js';
import { VARIANTS, type VariantName } from '../backbone/variants.js';
import { ConfigError } from '../core/errors.js';
import { loadDetectionSplit } from '../datasets/layout/load.js';
import { detectLayout } from '../datasets/layout/detect.js';
import { IMAGENET_PIXELS } from '../datasets/transforms/normalize.js';
import { ParameterStore } from '../engine/parameters/store.js';
import { openEngine } from '../engine/runtime/engine.js';
import { DETECTION_THRESHOLDS } from '../models/detection/config.js';
import { modelOf } from '../inference/model-of.js';
import { createMaskRcnn, MASK_RCNN } from '../models/mask-rcnn.js';
import { evaluateDetector } from '../train/detect/evaluate.js';
import { inputSizes } from '../inference/detect/preprocess.js';
import { needsRelaunch, relaunch } from '../tools/relaunch.js';
import { benchOptions } from './options.js';

/**
 * Measures time and memory of a whole evaluation: Mask R-CNN with random weights on every validation image of a COCO data
 * set, 100 detections with masks per image, scored.
 *
 *     node dist/bench/detect-eval.js --data coco --model tiny --short 800 --long 1333
 *
 * Prints the resident set size after 5, 15 and all images, and the number of images of every input size. Uses the command
 * line's allocator settings.
 */
if (needsRelaunch('benchmark')) process.exit(await relaunch());

const values = benchOptions(['data'], { model: 'tiny', short: 800, long: 1333 });
if (values.data === undefined)
  throw new ConfigError('--data: expected a folder with COCO data, got none');
const data = await detectLayout(values.data, { seed: 0 });
if (data.kind !== 'detection')
  throw new ConfigError(`--data: expected COCO annotations, got a set for ${data.kind}`);
const set = await loadDetectionSplit(data, 'val');

const numClasses = set.classes.names.length;
const backbone = createDenseBackbone(VARIANTS[values.model as VariantName]);
const model = createMaskRcnn(backbone, { ...MASK_RCNN, numClasses });
const store = new ParameterStore(model.specs);
store.initialize(0);
// Low enough that random weights yield the maximal number of detections.
const thresholds = { ...DETECTION_THRESHOLDS, scoreThreshold: 0.5 / (numClasses + 1) };
const limits = { long: values.long, short: values.short };
const detector = modelOf<'detect'>(await openEngine(), {
  card: {
    task: 'detect',
    backbone: VARIANTS[values.model as VariantName],
    detector: model.config,
    classNames: set.classes.names,
    categoryIds: set.classes.categoryIds,
    pixels: IMAGENET_PIXELS,
    limits,
    thresholds,
  },
  model,
  store,
});

const mebibytes = (): number => process.memoryUsage.rss() / 2 ** 20;
const canvases = new Map<string, number>();
let after5 = NaN;
const start = performance.now();
const { numImages, numDetections } = await evaluateDetector(detector, set, {
  onResult: (sample) => {
    const { width, height } = inputSizes(sample, limits).canvas;
    const size = `${width}x${height}`;
    canvases.set(size, (canvases.get(size) ?? 0) + 1);
  },
  onImage: (done, total) => {
    if (done === 5) after5 = mebibytes();
    if (done === 5 || done === 15 || done === total)
      console.log(`${done} of ${total} images: ${mebibytes().toFixed(0)} MiB`);
  },
});
const seconds = (performance.now() - start) / 1000;
console.log(
  `${numImages} images of ${canvases.size} sizes, ${numDetections} detections: ${seconds.toFixed(0)} s, ` +
    `${(mebibytes() / after5).toFixed(2)} times the memory after 5`,
);
console.log([...canvases].map(([size, count]) => `${size}: ${count}`).join(', '));
await detector.release();
