import { join } from 'node:path';
import { assertApart } from '../../io/files/apart.js';
import { writeAtomicallySync } from '../../io/files/atomic.js';
import { filesBelow } from '../../io/files/list.js';
import { assertWritableFolder } from '../../io/files/out-folder.js';
import { encodeRgbPng } from '../../io/png/write.js';
import type { BlockActivation } from '../../train/pretrain/collapse.js';
import { channelMosaic } from './channel-mosaic.js';

/** Curves of all models. */
export const CHARTS = ['collapse.json', 'collapse.svg', 'collapse.png'] as const;

/** Folder of the mosaics, by model and block. */
export const MOSAICS = 'channels';

/** Checks before any work that the results can be written and replace none of the images. @throws ConfigError */
export function assertCollapseFolder(out: string, images: readonly string[]): void {
  assertWritableFolder(out);
  const charts = CHARTS.map((name) => join(out, name));
  const mosaics = filesBelow(join(out, MOSAICS)).map(([file]) => file);
  assertApart(`--out ${out}`, [...charts, ...mosaics], images);
}

/** Writes the picture of an activation into the folder of a model. */
export function writeMosaic(folder: string, activation: BlockActivation): void {
  const name = `${activation.layer}.${activation.point}.png`;
  writeAtomicallySync(join(folder, name), encodeRgbPng(channelMosaic(activation)));
}
