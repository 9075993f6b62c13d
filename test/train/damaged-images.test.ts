import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DataError } from '../../core/errors.js';
import { readImageNet } from '../../datasets/imagenet.js';
import { evaluationResize } from '../../datasets/transforms/evaluation.js';
import { openEngine, type Engine } from '../../engine/runtime/engine.js';
import type { ClassificationConfig } from '../../train/config/classify.js';
import { decodeSample } from '../../train/pipelines/detect.js';
import { CLASSIFY } from '../../train/recipes/classify.js';
import { classify } from '../../train/tasks/classify.js';
import { runInProcess } from '../helpers/in-process.js';
import { runTask } from '../helpers/run-task.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';

/** Three steps per epoch. */
const CONFIG: ClassificationConfig = {
  ...CLASSIFY,
  backbone: { depths: [1, 1, 1, 1], dims: [8, 8, 8, 8], responseNorm: 'grn' },
  training: { ...CLASSIFY.training, inputSize: 32 } as ClassificationConfig['training'],
  evaluation: evaluationResize(32),
  batchSize: 8,
  epochs: 1,
  warmupEpochs: 0,
  emaDecay: 0.5,
  logEvery: 1,
  evaluateEvery: 100,
  checkpointEvery: 100,
  keepCheckpoints: 100,
  workers: 0,
};

let data: string;
let engine: Engine;
const folders: string[] = [];
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'convnextv2-damaged-'));
  folders.push(folder);
  return folder;
};
beforeAll(async () => {
  data = writeTinyClasses();
  folders.push(data);
  engine = await openEngine();
  // Photos are mostly JPEGs.
  for (const { file } of readImageNet(data, { split: 'train' }).samples) {
    if (!/[0-3]\.png$/.test(file)) continue;
    await sharp(file).jpeg().toFile(file.replace(/png$/, 'jpg'));
    rmSync(file);
  }
});
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

const files = (extension: string): readonly string[] =>
  readImageNet(data, { split: 'train' })
    .samples.map(({ file }) => file)
    .filter((file) => file.endsWith(extension));

/** Changes a byte of the checksum of the first data of a PNG. */
function breakChecksum(file: string): void {
  const bytes = readFileSync(file);
  const at = bytes.indexOf('IDAT');
  bytes[at + 4 + bytes.readUInt32BE(at - 4)] ^= 255;
  writeFileSync(file, bytes);
}

const DAMAGES: readonly [string, string, (file: string) => void, isSeenByHeader: boolean][] = [
  [
    'a JPEG cut in the middle',
    'jpg',
    (file) => truncateSync(file, readFileSync(file).length >> 1),
    false,
  ],
  ['a PNG with a wrong checksum', 'png', breakChecksum, false],
  ['a file of zero bytes', 'jpg', (file) => truncateSync(file, 0), true],
];

function train(folder: string, resume = false): ReturnType<typeof runTask> {
  const training = readImageNet(data, { split: 'train' });
  return runTask(classify, { config: CONFIG, engine, training, folder, seed: 3, resume });
}

/** The newest checkpoint. */
function weightsOf(folder: string): Buffer {
  const names = readdirSync(join(folder, 'checkpoints')).filter((name) =>
    /safetensors$/.test(name),
  );
  return readFileSync(join(folder, 'checkpoints', names.sort().at(-1)!));
}

test.each(DAMAGES)('%s is found by the check', async (_, extension, damage, isSeenByHeader) => {
  const [file] = files(extension);
  const sound = readFileSync(file);
  damage(file);
  try {
    const quick = await runInProcess(['data', 'check', data]);
    expect(quick.code).toBe(isSeenByHeader ? 2 : 0);
    const whole = await runInProcess(['data', 'check', data, '--decode']);
    expect([whole.code, whole.stdout]).toEqual([2, expect.stringContaining(basename(file))]);
  } finally {
    writeFileSync(file, sound);
  }
});

test.each(DAMAGES)(
  '%s in the middle of a run loses no step: the run is saved, and goes on bit-equal when the file is sound',
  async (_, extension, damage) => {
    const whole = newFolder();
    await train(whole);
    // Some image that comes after the first step.
    for (const file of files(extension)) {
      const sound = readFileSync(file);
      damage(file);
      const folder = newFolder();
      const error: unknown = await train(folder).catch((reason: unknown) => reason);
      writeFileSync(file, sound);
      expect(error).toBeInstanceOf(DataError);
      const { message, file: named } = error as DataError;
      expect([named, message.startsWith(`${file}: expected`)]).toEqual([file, true]);
      if (!message.includes('saved as')) continue;
      expect(message).toMatch(/saved as step-\d+: put the data right and go on with resume/);
      await train(folder, true);
      expect(weightsOf(folder).equals(weightsOf(whole))).toBe(true);
      return;
    }
    expect.unreachable('an image of a later step');
  },
);

test('an image of another size than its labels were made for names both, and the image', async () => {
  const [file] = files('png');
  const { width = 0, height = 0 } = await sharp(file).metadata();
  const objects = { boxes: new Float64Array(0), labels: new Int32Array(0), masks: [] };
  const sample = { file, width: width + 5, height, imageId: 77, objects, ignored: objects };
  await expect(decodeSample(sample as never)).rejects.toMatchObject({
    message: `${file}: expected ${width + 5}x${height} as annotated, got an image of ${width}x${height}`,
    id: 77,
  });
});
