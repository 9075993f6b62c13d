import { openEngine, type Engine, type EngineOptions } from '../engine/runtime/engine.js';
import { modelOf } from '../inference/model-of.js';
import type { ImageModel, PredictTask } from '../inference/model.js';
import { loadUnverified, type OpenOptions } from '../inference/open.js';
import { fitting } from './fitting-option.js';
import { tileOf, type TileFlags } from './model-options.js';
import { log } from './output.js';
import { waitsFor } from './waiting.js';

/** Options of {@link openModel}. */
export interface OpenModelOptions
  extends Omit<OpenOptions, 'score' | 'tile' | 'engine' | 'backbone'>, TileFlags {
  readonly engine: Engine | Partial<EngineOptions>;
}

/**
 * Opens a model for images and prints engine and source.
 *
 * @param numImages number of images: for many, a classifier's weights are stored in the session; so are those of a model with
 *   tiles, whose results then have the bits of `serve --tile`
 */
export async function openModel(
  name: string,
  { engine: engineOptions, tile: size, overlap, ...flags }: OpenModelOptions,
  numImages: number,
): Promise<ImageModel> {
  const tile = tileOf({ tile: size, overlap });
  waitsFor(`loading ${name}`);
  const opening = openEngine(engineOptions); // while the weights are read
  opening.catch(() => undefined); // thrown at its turn
  const loaded = await loadUnverified(name, { ...flags, onNotice: log });
  const engine = await opening;
  log(engine.description);
  waitsFor('building the graphs for the first image');
  const { task } = loaded.card;
  const { ratios, top } = flags;
  const max = fitting(['--max', flags.max], task, 'detect');
  const perClassNms = fitting(['--per-class-nms', flags.perClassNms], task, 'detect');
  const slide = fitting(['--slide', flags.slide], task, 'segment');
  const tta = fitting(['--tta', flags.tta], task, 'detect', 'segment');
  const frozen = tile !== undefined || (task === 'classify' && numImages > 8);
  return modelOf<PredictTask>(engine, loaded, {
    max,
    perClassNms,
    ratios,
    slide,
    tile,
    top,
    tta,
    frozen,
  });
}
