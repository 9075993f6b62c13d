import { stat } from 'node:fs/promises';
import { assertText } from '../core/arguments.js';
import { WeightsFileError } from '../core/errors.js';
import { RandomAccessFile } from '../io/files/random-access.js';
import { NPY_MAGIC } from '../io/numpy/header.js';
import { openSafetensors } from '../io/safetensors/read.js';
import type { Container, TensorSource } from '../io/tensor.js';
import { weightFileOf } from './folder.js';
import { openSharded } from './sharded.js';

/**
 * Opens a weight file of any container (safetensors, torch zip, torch legacy, NumPy), detected by its first bytes; the index of
 * a model in pieces (`*.index.json`); or a folder of the Hugging Face hub. Values are read lazily. The caller closes it,
 * as {@link withWeights} does.
 *
 * @throws WeightsError if the file is missing, empty, damaged or of an unknown container
 *
 * @example
 *   ```ts
 *   const weights = await openWeights('weights.pth');
 *   console.log([...weights.tensors.keys()].slice(0, 3));
 *   await weights.close();
 *   ```
 */
export async function openWeights(path: string): Promise<TensorSource> {
  assertText('weights', 'the path of a weight file', path);
  const file = (await isFolder(path)) ? (weightFileOf(path) ?? path) : path;
  return file.endsWith('.index.json') ? openSharded(file, openFile) : openFile(file);
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/** Opens one file; readers of other containers than ours are loaded for it. */
async function openFile(path: string): Promise<TensorSource> {
  const container = await detectContainer(path);
  switch (container) {
    case 'safetensors':
      return openSafetensors(path);
    case 'torch-zip':
      return (await import('../io/torch/zip.js')).openTorchZip(path);
    case 'numpy':
      return (await import('../io/numpy/npz.js')).openNpy(path);
    case 'torch-legacy':
      return (await import('../io/torch/legacy.js')).openTorchLegacy(path);
    default:
      return container satisfies never;
  }
}

/** Opens a weight file for the duration of `use`. @throws WeightsError as {@link openWeights} */
export async function withWeights<Result>(
  path: string,
  use: (source: TensorSource) => Result | Promise<Result>,
): Promise<Result> {
  const source = await openWeights(path);
  try {
    return await use(source);
  } finally {
    await source.close();
  }
}

/** Detects the container of a file by its first bytes. @throws WeightsError if it is unknown */
async function detectContainer(path: string): Promise<Exclude<Container, 'pickle'>> {
  const file = await RandomAccessFile.open(path);
  try {
    if (file.sizeBytes === 0) {
      throw WeightsFileError.in(path, 'expected a weight file, got an empty file');
    }
    const head = await file.read(0, Math.min(512, file.sizeBytes));
    if (head[0] === 0x50 && head[1] === 0x4b && head[2] === 3 && head[3] === 4) return 'torch-zip';
    if (head[0] === 0x80 && head[1] >= 1 && head[1] <= 5 && head[8] !== 0x7b) return 'torch-legacy';
    if (Buffer.from(head).toString('latin1').startsWith(NPY_MAGIC)) return 'numpy';
    if (head.byteLength > 8 && head[8] === 0x7b) return 'safetensors';
    throw WeightsFileError.in(
      path,
      `expected safetensors or a torch file (.pt, .pth) or arrays of NumPy (.npz, .npy), got ${guess(head)}`,
    );
  } finally {
    await file.close();
  }
}

/** Compressed files by their first bytes. */
const PACKED: Readonly<Record<string, string>> = {
  '\x1f\x8b': 'a gzip',
  BZh: 'a bzip2',
  '\xfd7zXZ': 'an xz',
  '\x28\xb5\x2f\xfd': 'a Zstandard',
  '7z\xbc\xaf': 'a 7z',
  'Rar!': 'a RAR',
};

function guess(head: Uint8Array): string {
  const text = Buffer.from(head).toString('latin1');
  if (text.startsWith('version https://git-lfs')) return 'a Git LFS pointer (run git lfs pull)';
  if (/^\s*</.test(text)) return 'a web page (the download was answered with HTML)';
  if (text.startsWith('PK\x05\x06')) return 'an empty zip archive (fetch the file again)';
  if (text.slice(257).startsWith('ustar')) return 'a tar archive (unpack it first)';
  const packed = Object.keys(PACKED).find((start) => text.startsWith(start));
  if (packed !== undefined) return `${PACKED[packed]} file (unpack it first)`;
  if (/^\s*[{[]/.test(text))
    return 'JSON (an answer of a server, or a configuration: give the weight file or its folder)';
  const bytes = [...head.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, '0'));
  return `a file that begins with ${bytes.join(' ')}`;
}
