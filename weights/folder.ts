import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { WeightsFileError } from '../core/errors.js';
import { isFolder } from '../io/files/list.js';
import { readTextSync } from '../io/files/read.js';
import { listed } from './schemes/closest.js';

/** Weight files of folders of the Hugging Face hub, in the order in which transformers and timm look for them. */
const NAMES = [
  'model.safetensors',
  'model.safetensors.index.json',
  'pytorch_model.bin',
  'pytorch_model.bin.index.json',
  'open_clip_model.safetensors',
  'open_clip_pytorch_model.bin',
];

/** Extensions of weight files. */
const EXTENSION = /\.(safetensors|bin|pth|pt|ckpt)$/;

/**
 * The weight file of a folder with a model of the Hugging Face hub: as cloned or saved, or of its cache
 * (`models--ORG--NAME` with `snapshots`). Undefined for other folders.
 *
 * @throws WeightsError if the folder has only pieces of weights, without their index
 */
export function weightFileOf(folder: string): string | undefined {
  const snapshot = snapshotOf(folder);
  if (snapshot !== undefined) return weightFileOf(snapshot);
  const name = NAMES.find((candidate) => existsSync(join(folder, candidate)));
  if (name !== undefined) return join(folder, name);
  const files = readdirSync(folder);
  const pieces = files.filter((file) => /-\d{5}-of-\d{5}\./.test(file));
  if (pieces.length > 0)
    throw WeightsFileError.in(
      folder,
      `expected model.safetensors.index.json or pytorch_model.bin.index.json beside ${pieces[0]}, got none`,
    );
  const weights = files.filter((file) => EXTENSION.test(file));
  return files.includes('config.json') && weights.length === 1
    ? join(folder, weights[0])
    : undefined;
}

/** Folder of the newest revision in the cache of the Hugging Face hub. */
function snapshotOf(folder: string): string | undefined {
  const snapshots = join(folder, 'snapshots');
  if (!isFolder(snapshots)) return undefined;
  const main = join(folder, 'refs', 'main');
  const revisions = readdirSync(snapshots);
  const wanted =
    existsSync(main) && statSync(main).isFile() ? readTextSync(main).trim() : undefined;
  const revision = revisions.find((name) => name === wanted) ?? revisions.at(-1);
  return revision === undefined ? undefined : join(snapshots, revision);
}

/**
 * Describes for a message what a folder that is no model has instead: a distributed checkpoint, weight files, or folders of a
 * training with transformers. Empty if it has none of these.
 */
export function otherWeightsIn(folder: string): string {
  if (!existsSync(folder)) return '';
  const names = readdirSync(folder).sort();
  if (names.some((name) => name.endsWith('.distcp')))
    return '; it is a distributed checkpoint (python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER FILE.pth makes a file of it)';
  const found = names.filter(
    (name) => /^checkpoint-\d+$/.test(name) || EXTENSION.test(name.replace(/\.tar$/, '')),
  );
  return found.length > 0 ? `; give one of those in it: ${listed(found)}` : '';
}
