import { join } from 'node:path';
import sharp from 'sharp';
import { Random } from '../../core/random.js';
import type { LoadedModel } from '../../inference/model.js';
import { saveCheckpoint } from '../../weights/checkpoint.js';
import { parameterTargets } from '../../weights/load.js';
import { tinyNetworks } from '../helpers/tiny-models.js';

/** Run folders of three small models by task. */
export interface SmallModels {
  readonly classify: string;
  readonly detect: string;
  readonly segment: string;
}

/** Saves small models with random weights as run folders `ants`, `boxes` and `pixels`. */
export async function saveSmallModels(folder: string): Promise<SmallModels> {
  const { classify, detect, segment } = tinyNetworks(['ant', 'bee', 'cat']);
  const paths = {
    classify: join(folder, 'ants'),
    detect: join(folder, 'boxes'),
    segment: join(folder, 'pixels'),
  };
  const { store, card } = detect;
  // Scores that differ, and several classes.
  const { path } = store.entries.find(({ path: each }) => /fc_cls.*weight/.test(each))!;
  store.get(path).forEach((value, i, values) => (values[i] = 40 * value));
  const thresholds = { ...card.thresholds, maxPerImage: 20 };
  await save(paths.classify, classify);
  await save(paths.detect, { store, card: { ...card, categoryIds: [3, 7, 9], thresholds } });
  await save(paths.segment, segment);
  return paths;
}

async function save(
  folder: string,
  { store, card }: Pick<LoadedModel, 'store' | 'card'>,
): Promise<void> {
  const groups = { weights: parameterTargets(store) };
  await saveCheckpoint(join(folder, 'checkpoints'), 'step-1', {
    step: 1,
    groups,
    state: { card },
  });
}

/** A picture of noise, as JPEG or PNG. */
export async function noise(
  { width, height }: { readonly width: number; readonly height: number },
  format: 'jpeg' | 'png' = 'jpeg',
  seed = 1,
): Promise<Buffer> {
  const random = new Random(seed);
  // Blocks of noise: large pictures of it are made quickly.
  const [w, h] = [Math.ceil(width / 8), Math.ceil(height / 8)];
  const data = Uint8Array.from({ length: 3 * w * h }, () => random.integer(256));
  return sharp(data, { raw: { width: w, height: h, channels: 3 } })
    .resize(width, height, { kernel: 'nearest', fit: 'fill' })
    .toFormat(format)
    .toBuffer();
}
