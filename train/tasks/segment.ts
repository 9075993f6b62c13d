import { basename } from 'node:path';
import { alignSegmentation } from '../../datasets/align-classes.js';
import {
  decodeExamples,
  segmentationSet,
  type SegmentationExample,
} from '../../datasets/in-memory.js';
import type { SegmentationSet } from '../../datasets/segmentation-folder.js';
import { splitSamples } from '../../datasets/split.js';
import { statsOf } from '../../io/files/list.js';
import { counted } from '../data-facts.js';
import type { SegmentationConfig } from '../config/segment.js';
import { fitSegmenter } from '../segment/fit-settings.js';
import { imagesOfSeveralClasses } from '../segment/several-classes.js';
import { setUpSegmenter } from '../segment/set-up.js';
import { ALL_DATA_OPTIONS } from './data-options.js';
import { loadSets } from './find-data.js';
import { benchmarkSegmenter } from '../segment/benchmark.js';
import { segmenterSections } from '../segment/report-sections.js';
import { scoreSegmenter } from '../segment/score.js';
import { inspectSegmentationData } from '../segment/inspect.js';
import type { Task } from './task.js';

/** Task of semantic segmentation. */
export const segment: Task<SegmentationConfig, SegmentationSet, SegmentationExample> = {
  name: 'segment',
  bestMetric: 'mIoU',
  load: (path, options) =>
    loadSets('segmentation', path, options, ({ samples, classes }) => ({
      images: samples.length,
      classes: classes.length,
    })),
  fromExamples: async (examples, classes, range) =>
    segmentationSet(await decodeExamples('segment', examples, range), classes),
  isSet: (data) => 'mapping' in data && 'samples' in data && 'classes' in data,
  inspect: inspectSegmentationData,
  content: ({ classes, samples }) => [
    classes,
    samples.flatMap(({ file, labelFile }) => [
      basename(file),
      basename(labelFile),
      String(statsOf(labelFile)?.size),
    ]),
  ],
  classNames: (set) => set.classes,
  facts: ({ samples, classes }) => ({
    counts: `${counted(samples.length, 'image')} of ${counted(classes.length, 'class', 'classes')}`,
    concerns: [],
    classNames: classes,
  }),
  fit: fitSegmenter,
  labeled: ({ samples }) => [...samples.keys()],
  telling: imagesOfSeveralClasses,
  learnedScore: { metric: 'mIoU', atLeast: 0.6 },
  select: (set, indices) => ({ ...set, samples: indices.map((i) => set.samples[i]) }),
  divide: (set, rule) => splitSamples(set, rule, set.source),
  dataOptions: ALL_DATA_OPTIONS,
  alignClasses: alignSegmentation,
  evaluate: scoreSegmenter,
  reportSections: segmenterSections,
  benchmark: { defaults: { batch: 1, sizePx: 512 }, run: benchmarkSegmenter },
  setUp: setUpSegmenter,
};
