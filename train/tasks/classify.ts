import { basename } from 'node:path';
import { describeSkipped } from '../../io/files/images.js';
import { alignClassification } from '../../datasets/align-classes.js';
import { inspectClassificationSet } from '../../datasets/classification-check.js';
import {
  decodeExamples,
  classificationSet,
  type ClassificationExample,
} from '../../datasets/in-memory.js';
import {
  hasHeldOut,
  readClassificationSplit,
  splitClassification,
} from '../../datasets/classification-split.js';
import type { ClassificationSet } from '../../datasets/imagenet.js';
import { describeSplit } from '../../datasets/split.js';
import type { ClassificationConfig } from '../config/classify.js';
import { classificationFacts } from '../classify/data-facts.js';
import { fitClassifier } from '../classify/fit-settings.js';
import { setUpClassifier } from '../classify/set-up.js';
import { benchmarkClassifier } from '../classify/benchmark.js';
import { classifierSections } from '../classify/report-sections.js';
import { scoreClassifier } from '../classify/score.js';
import { counted } from '../data-facts.js';
import type { Task } from './task.js';

/** Task of image classification. */
export const classify: Task<ClassificationConfig, ClassificationSet, ClassificationExample> = {
  name: 'classify',
  bestMetric: 'top1',
  load: (path, options) => {
    const training = readClassificationSplit(path, { ...options, split: 'train' });
    const { layout, samples, classes } = training;
    const validation =
      hasHeldOut(path, options) &&
      readClassificationSplit(path, { ...options, split: 'val', known: classes });
    const { valFraction, seed } = options;
    const rule = valFraction === undefined ? '' : `: ${describeSplit({ valFraction, seed })}`;
    const lines = [
      `${path}: ${layout}; ${counted(samples.length, 'training image')}, ${counted(classes.length, 'class', 'classes')}`,
      validation
        ? `${counted(validation.samples.length, 'validation image')}${rule}`
        : `no val folder: the scores are on the training images${training.split === 'all' ? '; --val-fraction 0.2 holds some out' : ''}`,
      ...[training, ...(validation ? [validation] : [])].flatMap(({ split, ignoredFiles }) => {
        const skipped = describeSkipped(ignoredFiles);
        return skipped === undefined ? [] : [`${split}: ${skipped}`];
      }),
    ];
    return Promise.resolve({ training, validation: validation || training, lines });
  },
  fromExamples: async (examples, classes) =>
    classificationSet(await decodeExamples('classify', examples), classes),
  isSet: (data) => 'ignoredFiles' in data && 'samples' in data && 'classes' in data,
  inspect: inspectClassificationSet,
  content: ({ classes, samples }) => [
    classes.map(({ name }) => name),
    samples.map(({ file }) => basename(file)),
    Int32Array.from(samples, ({ classIndex }) => classIndex),
  ],
  facts: classificationFacts,
  fit: fitClassifier,
  labeled: ({ samples }) => [...samples.keys()],
  learnedScore: { metric: 'top1', atLeast: 0.95 },
  select: (set, indices) => ({ ...set, samples: indices.map((i) => set.samples[i]) }),
  divide: splitClassification,
  dataOptions: ['valFraction', 'layout'],
  classNames: (set) => set.classes.map(({ name }) => name),
  alignClasses: alignClassification,
  evaluate: scoreClassifier,
  reportSections: classifierSections,
  benchmark: { defaults: { batch: 8, sizePx: 224 }, run: benchmarkClassifier },
  setUp: setUpClassifier,
};
