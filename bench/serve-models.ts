import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { variant } from '../backbone/variants.js';
import { ConfigError } from '../core/errors.js';
import { evaluationResize } from '../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../datasets/transforms/normalize.js';
import { ParameterStore } from '../engine/parameters/store.js';
import type { ModelCard } from '../inference/card.js';
import { convertModel } from '../inference/convert.js';
import { exportOnnx } from '../inference/export/export-onnx.js';
import { load } from '../inference/open.js';
import { writeJsonAtomically } from '../io/files/atomic.js';
import { createClassifier } from '../models/classifier.js';
import { saveCheckpoint } from '../weights/checkpoint.js';

const NUM_CLASSES = 100;
const INPUT_SIZE = 224;
/** Large head, so that probabilities differ. */
const HEAD_SCALE = 30;

/** Saves a classifier of a published size with random weights as a run folder. @returns its path */
export async function randomClassifier(folder: string, size: string): Promise<string> {
  const backbone = variant(size);
  const model = createClassifier({ backbone, classes: NUM_CLASSES, headInitScale: HEAD_SCALE });
  const store = new ParameterStore(model.specs);
  store.initialize(1);
  const card: ModelCard = {
    task: 'classify',
    backbone,
    pixels: IMAGENET_PIXELS,
    classNames: Array.from({ length: NUM_CLASSES }, (_, k) => `class ${k}`),
    resize: evaluationResize(INPUT_SIZE),
  };
  const weights = store.entries.map(({ path, spec: { shape, layout } }) => ({
    path,
    shape,
    layout,
    values: store.get(path),
  }));
  const run = join(folder, size);
  await saveCheckpoint(join(run, 'checkpoints'), 'step-1', {
    step: 1,
    groups: { weights },
    state: { card },
  });
  return run;
}

/**
 * Writes a classifier as the peers read it: official names, ONNX and the card.
 *
 * @throws ConfigError for a model of another task, or one whose images the peers would prepare otherwise
 */
export async function writeForPeers(model: string, folder: string): Promise<void> {
  const { card, file } = await load(model);
  if (card.task !== 'classify' || card.resize.mode !== 'crop' || card.resize.filter !== 'bicubic')
    throw new ConfigError(
      `bench:serve: expected a classifier with a bicubic center crop for the peers, got ${card.task}; leave --python out`,
    );
  mkdirSync(folder, { recursive: true });
  await convertModel(file!, join(folder, 'model.safetensors'), { scheme: 'official' });
  const { inputSize } = card.resize;
  const size = { batch: 1, height: inputSize, width: inputSize };
  await exportOnnx(model, { out: join(folder, 'model.onnx'), raw: true, ...size });
  await writeJsonAtomically(join(folder, 'card.json'), card);
}
