import { alignDetection } from '../../datasets/align-classes.js';
import { decodeExamples, detectionSet, type DetectionExample } from '../../datasets/in-memory.js';
import { trainableImages } from '../../datasets/coco/samples.js';
import { selectImages, splitCoco, type CocoSet } from '../../datasets/coco/set.js';
import type { DetectionConfig } from '../config/detect.js';
import { detectionFacts } from '../detect/data-facts.js';
import { fitDetector } from '../detect/fit-settings.js';
import { setUpDetector } from '../detect/set-up.js';
import { ALL_DATA_OPTIONS } from './data-options.js';
import { loadSets } from './find-data.js';
import { benchmarkDetector } from '../detect/benchmark.js';
import { detectorSections } from '../detect/report-sections.js';
import { scoreDetector } from '../detect/score.js';
import { inspectDetectionData } from '../detect/inspect.js';
import type { Task } from './task.js';

/** Task of object detection and instance segmentation. */
export const detect: Task<DetectionConfig, CocoSet, DetectionExample> = {
  name: 'detect',
  bestMetric: 'bbox_AP',
  load: (path, options) =>
    loadSets('detection', path, options, ({ images, classes }) => ({
      images: images.ids.length,
      classes: classes.names.length,
    })),
  fromExamples: async (examples, classes, range) =>
    detectionSet(await decodeExamples('detect', examples, range), classes),
  isSet: (data) => 'annotations' in data && 'images' in data && 'classes' in data,
  inspect: inspectDetectionData,
  content: ({ classes, images, annotations, classIndices, imageIndices }) => [
    ...[classes.names, images.fileNames],
    ...[images.widths, images.heights, classIndices, imageIndices],
    ...[annotations.boxes, annotations.areas, annotations.crowds, annotations.ignores],
    ...[annotations.maskExtents, annotations.maskSizes],
  ],
  classNames: (set) => set.classes.names,
  facts: detectionFacts,
  fit: fitDetector,
  labeled: (set) => trainableImages(set),
  learnedScore: { metric: 'bbox_AP50', atLeast: 0.8 },
  select: selectImages,
  divide: splitCoco,
  dataOptions: ALL_DATA_OPTIONS,
  alignClasses: alignDetection,
  evaluate: scoreDetector,
  reportSections: detectorSections,
  benchmark: { defaults: { batch: 1, sizePx: 800 }, run: benchmarkDetector },
  setUp: setUpDetector,
};
