import { assertObject } from '../core/arguments.js';
import type { Engine } from '../engine/runtime/engine.js';
import { imageReader, partsReader } from '../io/image/input.js';
import { withPalette } from './segment/palette.js';
import {
  createModel,
  type ImageReaders,
  type LoadedOf,
  type ModelOf,
  type PredictOptions,
  type PredictTask,
} from './model.js';

/** Readers of files, bytes and pixels. */
export const NODE_READERS: ImageReaders = { whole: imageReader, parts: partsReader };

/**
 * Creates a model from weights in memory, as {@link file://./open.ts} does from files. It takes the images that Node can
 * read: files, bytes, pixels.
 *
 * @throws ConfigError for options out of range
 */
export function modelOf<Task extends PredictTask>(
  engine: Engine,
  loaded: LoadedOf<Task>,
  options?: PredictOptions,
): ModelOf<Task> {
  assertObject('modelOf', 'an engine that openEngine opened', engine, 'prepare');
  assertObject('modelOf', 'a model with its weights and card', loaded, 'model', 'store', 'card');
  const complete = { ...loaded, card: withPalette(loaded.card) };
  return createModel(engine, complete, NODE_READERS, options);
}
