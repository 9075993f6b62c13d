import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs';
import { afterAll, expect, test } from 'vitest';
import { WeightsError } from '../../core/errors.js';
import type { Backbone } from '../../engine/backbone.js';
import { openEngine } from '../../engine/runtime/engine.js';
import { patchifyConv } from '../../engine/ops/conv.js';
import { convSpecs } from '../../engine/parameters/layers.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import { open } from '../../inference/open.js';
import { RECIPES } from '../../train/recipes/index.js';
import { train } from '../../train/train.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const { folder: root } = temporaryFolder();
const classes = writeTinyClasses({ perClass: 2 });
afterAll(() => rmSync(classes, { recursive: true }));

test("a backbone of one's own trains, and a whole configuration is a recipe", async () => {
  const specs = [4, 2, 2, 2].map((patch, level) =>
    convSpecs(patch, level === 0 ? 3 : 8, 8, { kind: 'normal', std: 0.02 }),
  );
  const backbone: Backbone = {
    specs: { levels: specs },
    channels: [8, 8, 8, 8],
    numBlocks: 0,
    features: (params, image) => {
      const { levels } = params as TensorTree<{ readonly levels: typeof specs }>;
      const maps: tf.Tensor4D[] = [];
      for (const level of levels) maps.push(patchifyConv(maps.at(-1) ?? image, level));
      const [c2, c3, c4, c5] = maps;
      return { c2, c3, c4, c5 };
    },
  };
  const recipe = RECIPES['classify'];
  if (recipe.task !== 'classify') throw new Error('expected a classifier');
  const engine = await openEngine();
  const folder = join(root, 'own');
  const notes: string[] = [];
  const { task, step } = await train(recipe, {
    data: classes,
    folder,
    engine,
    backbone,
    steps: 2,
    report: false,
    config: { training: { kind: 'training', inputSize: 32 }, batchSize: 2, workers: 0 },
    listener: { note: (line) => void notes.push(line) },
  });
  expect([task, step]).toEqual(['classify', 2]);
  expect(
    readFileSync(join(folder, 'checkpoints/step-00000002.safetensors')).includes(
      'weights.levels.0.weight',
    ),
  ).toBe(true);
  expect(notes).toContain(engine.description);
  expect(notes).toContain('`steps: 2`: stops there, the schedule stays as it is');
  const stored = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as {
    recipe: string;
    sources: Record<string, string>;
  };
  expect(stored.recipe).toBe('own');
  expect(stored.sources['training.inputSize']).toBe('config');
  const again = await train(recipe, {
    data: classes,
    folder,
    engine,
    backbone,
    steps: 3,
    resume: true,
    config: { training: { kind: 'training', inputSize: 32 }, batchSize: 2, workers: 0 },
    listener: { note: (line) => void notes.push(line) },
  });
  expect(again.step).toBe(3);
  expect(notes.join('\n')).not.toContain('no findings');
  const model = await open(folder, { task: 'classify', engine, backbone });
  const image = { width: 40, height: 40, data: new Uint8Array(4800) };
  expect((await model.predict(image)).classes).toHaveLength(model.classNames.length);
  await model.release();
  const refused = open(folder, { engine });
  await expect(refused).rejects.toThrow(WeightsError);
  await expect(refused).rejects.toThrow(/a backbone of your own, open it with \{ backbone \}$/);
}, 60_000);
