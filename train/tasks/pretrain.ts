import { basename } from 'node:path';
import { decodeExamples, imageSamples, type ImageExample } from '../../datasets/in-memory.js';
import { splitSamples } from '../../datasets/split.js';
import { counted } from '../data-facts.js';
import type { PretrainingConfig } from '../config/pretrain.js';
import { readImageSplits, type ImageSet } from '../pretrain/images.js';
import { inspectImages } from '../pretrain/inspect.js';
import { setUpAutoencoder } from '../pretrain/set-up.js';
import { autoencoderSections } from '../pretrain/report-sections.js';
import type { Task } from './task.js';

/** Task of pre-training a masked autoencoder on unlabeled images. */
export const pretrain: Task<PretrainingConfig, ImageSet, ImageExample> = {
  name: 'pretrain',
  bestMetric: 'explained',
  load: (path, options) => {
    const { training, validation } = readImageSplits(path, options);
    const counts = `${training.samples.length} images; ${validation?.samples.length ?? 'none'} held out`;
    const skipped = [training, validation].flatMap((set) =>
      set?.skipped === undefined ? [] : [`${set.folder}: ${set.skipped}`],
    );
    const lines = [`${training.folder}: ${counts}`, ...skipped];
    return Promise.resolve({ training, validation, lines });
  },
  fromExamples: async (examples) => {
    const samples = imageSamples(await decodeExamples('pretrain', examples));
    return { folder: 'images in memory', samples };
  },
  isSet: (data) => 'folder' in data && 'samples' in data && !('classes' in data),
  inspect: inspectImages,
  content: ({ samples }) => [samples.map(({ file }) => basename(file))],
  facts: ({ samples }, { fcmae }) => ({
    counts: counted(samples.length, 'image'),
    // Normalized pixels have variance 1 in every patch.
    constantLoss: fcmae.normPixLoss ? 1 : undefined,
    concerns: [],
  }),
  labeled: ({ samples }) => [...samples.keys()],
  learnedScore: { metric: 'explained', atLeast: 0.2 },
  select: (set, indices) => ({ ...set, samples: indices.map((i) => set.samples[i]) }),
  divide: (set, rule) => splitSamples(set, rule, set.folder),
  dataOptions: ['valFraction'],
  reportSections: (_, request) => autoencoderSections(request),
  setUp: setUpAutoencoder,
};
