import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll } from 'vitest';
import { SHAPES_DEFAULTS, writeShapes } from '../../../datasets/shapes/write.js';
import { loadCoco, type CocoSet } from '../../../datasets/coco/set.js';
import type { DetectionConfig } from '../../../train/config/detect.js';
import type { Engine } from '../../../engine/runtime/engine.js';
import type { TrainResult } from '../../../train/loop.js';
import { engineOf } from '../../parity/maskrcnn-fixture.js';
import { runTask, type RunOptions } from '../../helpers/run-task.js';
import { detect } from '../../../train/tasks/detect.js';
import { CONFIG } from './run-config.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

/** A copy of the training annotations with changes. */
interface CocoFile {
  images: { id: number; file_name: string; width: number; height: number }[];
  annotations: { id: number; image_id: number; segmentation?: unknown; iscrowd: number }[];
  categories: { id: number; name: string }[];
}
/** Runs on six small images, with two to validate on, in a folder of the test file. */
export function shapesRuns() {
  const { folder: root } = temporaryFolder();
  let training: CocoSet;
  let validation: CocoSet;
  let engine: Engine;

  const setOf = (
    split: 'train' | 'val',
    annotations = `instances_${split}.json`,
  ): Promise<CocoSet> =>
    loadCoco({
      annotations: join(root, 'data/annotations', annotations),
      images: join(root, 'data', split),
    });

  async function changed(name: string, change: (file: CocoFile) => void): Promise<CocoSet> {
    const folder = join(root, 'data/annotations');
    const file = JSON.parse(readFileSync(join(folder, 'instances_train.json'), 'utf8')) as CocoFile;
    change(file);
    writeFileSync(join(folder, name), JSON.stringify(file));
    return setOf('train', name);
  }

  beforeAll(async () => {
    await writeShapes(join(root, 'data'), {
      ...SHAPES_DEFAULTS,
      train: 6,
      val: 2,
      width: 96,
      height: 64,
      minObjects: 1,
      maxObjects: 3,
    });
    [training, validation] = [await setOf('train'), await setOf('val')];
    engine = await engineOf('compiled');
  }, 60_000);

  const train = (
    name: string,
    options: Partial<RunOptions<DetectionConfig, CocoSet>> = {},
  ): Promise<TrainResult> =>
    runTask(detect, {
      config: CONFIG,
      engine,
      training,
      folder: join(root, name),
      seed: 1,
      resume: false,
      maxSteps: null,
      ...options,
    });

  const checkpoint = (name: string, step: number): string =>
    join(root, name, 'checkpoints', `step-${String(step).padStart(8, '0')}.safetensors`);
  return {
    root,
    setOf,
    changed,
    train,
    checkpoint,
    get training() {
      return training;
    },
    get validation() {
      return validation;
    },
    get engine() {
      return engine;
    },
  };
}
