import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { RECONSTRUCTIONS } from './set-up.js';
import { readImageSplits } from './images.js';
import { readMetrics } from '../../io/run-folder.js';
import type { ReportSections, SectionsRequest } from '../report-sections.js';

/** Creates the sections of an autoencoder: scores and reconstructions of its last evaluation. */
export function autoencoderSections({ data, folder, ...options }: SectionsRequest): ReportSections {
  const { training, validation } = readImageSplits(data, options);
  const last = readMetrics(folder).findLast(({ kind }) => kind === 'eval');
  const metrics = last?.kind === 'eval' ? last.metrics : {};
  const pictures = join(folder, RECONSTRUCTIONS);
  const files = existsSync(pictures)
    ? readdirSync(pictures)
        .filter((file) => file.endsWith('.png'))
        .sort()
    : [];
  return {
    scope: validation ? `all ${validation.samples.length} held-out images` : 'no held-out images',
    metrics,
    tables: [],
    charts: [],
    bars: [],
    confusion: [],
    pictures: [
      {
        title: 'Reconstructions',
        size: 'wide',
        note: 'from left to right: image, what the encoder sees, prediction',
        items: files.map((file) => ({
          file: `${RECONSTRUCTIONS}/${file}`,
          caption: file.replace(/\.png$/, '').replace('-', ' '),
        })),
      },
    ],
    data: [
      {
        title: 'Images',
        columns: ['part', 'images', 'folder'],
        rows: [
          ['training', training.samples.length, training.folder],
          ...(validation ? [['held out', validation.samples.length, validation.folder]] : []),
        ],
      },
    ],
  };
}
