import { openEngine, type EngineOptions } from '../engine/runtime/engine.js';
import {
  modelOf,
  type ImageModel,
  type PredictOptions,
  type PredictTask,
} from '../inference/model.js';
import { load } from '../inference/open.js';
import { log } from './output.js';

/** What the flags of a verb say about its model. */
export interface ModelFlags extends PredictOptions {
  readonly task?: string | undefined;
  readonly classes?: string | undefined;
  readonly size?: number | undefined;
  readonly cache?: string | undefined;
  readonly engine: EngineOptions;
}

/**
 * Opens a model for images, telling what runs where.
 *
 * @param numImages that are to come: a classifier's weights go into the session where they are many
 */
export async function openModel(
  name: string,
  { engine: engineOptions, task, ...flags }: ModelFlags,
  numImages: number,
): Promise<ImageModel> {
  const loaded = await load(name, { ...flags, task: task as PredictTask, onNotice: log });
  const engine = await openEngine(engineOptions);
  log(engine.description);
  const { ema, max, slide, top, tta } = flags;
  const frozen = loaded.card.task === 'classify' && numImages > 8;
  return modelOf<PredictTask>(engine, loaded, { ema, max, slide, top, tta, frozen });
}
