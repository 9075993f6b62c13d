import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { DataError, WorkError } from '../../../core/errors.js';
import { trainingSamples } from '../../../datasets/coco/samples.js';
import { decodeImage } from '../../../io/image/decode.js';
import { encodeRgbPng } from '../../../io/png/write.js';
import { readCard } from '../../../inference/read-card.js';
import { detectorInput } from '../../../inference/detect/preprocess.js';
import { loadDetector } from '../../../inference/detect/load.js';
import { modelOf } from '../../../inference/model-of.js';
import { detectionMetrics, evaluateDetector } from '../../../train/detect/evaluate.js';
import { readSamples } from '../../../report/samples.js';
import type { LogRecord } from '../../../train/log-record.js';
import { readCheckpoint } from '../../../weights/checkpoint.js';
import { CONFIG } from './run-config.js';
import { shapesRuns } from './shapes-runs.js';

const runs = shapesRuns();
const { root, changed, train, checkpoint } = runs;

describe('a run', () => {
  let whole: Awaited<ReturnType<typeof train>>;
  beforeAll(async () => {
    whole = await train('whole', { validation: runs.validation });
  }, 120_000);

  test('that is interrupted and resumed ends bit-equal: weights, average and moments', async () => {
    expect(whole.step).toBe(6);
    await train('parts', { maxSteps: 4, validation: runs.validation });
    await train('parts', { resume: true, validation: runs.validation });
    const [a, b] = ['whole', 'parts'].map((name) => readFileSync(checkpoint(name, 6)));
    expect(b.equals(a)).toBe(true);
  }, 120_000);

  test('leaves a checkpoint that says what it is and scores as the run did', async () => {
    const file = checkpoint('whole', 6);
    const { state } = await readCheckpoint(file);
    const card = readCard(file, state, 'detect');
    expect(card).toMatchObject({
      task: 'detect',
      backbone: CONFIG.backbone,
      classNames: runs.training.classes.names,
      categoryIds: runs.training.classes.categoryIds,
      pixels: CONFIG.pixels,
      ...CONFIG.evaluation,
    });
    expect(card.detector.numClasses).toBe(6);
    const { model, store } = await loadDetector(file, {
      which: 'model_ema',
      architecture: card,
    });
    const detector = modelOf<'detect'>(runs.engine, { card, model, store });
    const scores = await evaluateDetector(detector, runs.validation);
    await detector.release();
    const metrics = detectionMetrics(scores);
    expect(metrics).toEqual(whole.metrics); // the average is scored last
    expect(metrics['count']).toBe(2);
    expect(metrics['bbox_AP']).toBeGreaterThanOrEqual(0);
    expect(metrics['segm_AP']).toBeGreaterThanOrEqual(0);
  }, 60_000);

  test('leaves pictures of samples with annotations and detections', () => {
    const samples = readdirSync(join(root, 'whole/samples')).sort();
    expect(samples).toEqual(['image-1.jpg', 'image-2.jpg', 'samples.json']);
    const { items } = readSamples(join(root, 'whole'))!;
    expect(items.map(({ file }) => file)).toEqual(['samples/image-1.jpg', 'samples/image-2.jpg']);
    const [image] = runs.validation.images.ids;
    const numObjects = runs.validation.annotations.imageIds.filter((id) => id === image).length;
    expect(items[0].caption).toMatch(
      new RegExp(
        `^${runs.validation.images.fileNames[0]}: ${numObjects} annotated .*, \\d+ detected`,
      ),
    );
  });

  test('starts from a whole detector of the same classes', async () => {
    const config = { ...CONFIG, lr: 0, emaDecay: null };
    await train('from', { config, weights: checkpoint('whole', 6), maxSteps: 1 });
    const [a, b] = await Promise.all(
      [checkpoint('whole', 6), checkpoint('from', 1)].map(async (file) => {
        const { state } = await readCheckpoint(file);
        return loadDetector(file, { architecture: readCard(file, state, 'detect') });
      }),
    );
    expect(b.store.values).toEqual(a.store.values);
  }, 60_000);

  test('trains the backbone, stages to be frozen too, on cut-out objects after loading weights, where that is set', async () => {
    const stop = new AbortController();
    const notes: string[] = [];
    const note = (line: string): void => {
      notes.push(line);
      if (line.includes('cut-out')) stop.abort();
    };
    const objectPretraining = { steps: 50, batchSize: 2, size: 32, lr: 1e-3 };
    const run = train('both', {
      config: { ...CONFIG, epochs: 20, frozenStages: 1, objectPretraining },
      weights: checkpoint('whole', 6),
      listener: { note },
      signal: stop.signal,
    });
    await expect(run).rejects.toThrow(WorkError);
    expect(notes).toEqual([
      expect.stringContaining('taken over'),
      expect.stringContaining('cut-out pictures of objects'),
    ]);
  }, 60_000);

  test('sees images of rare classes more often where repeatThreshold is set', async () => {
    const config = { ...CONFIG, emaDecay: null, repeatThreshold: 1 };
    const { step } = await train('repeated', { config });
    expect(step).toBeGreaterThan(whole.step);
  }, 60_000);

  test('keeps frozen stages as they were, and trains all others', async () => {
    await train('none', { config: { ...CONFIG, lr: 0 }, maxSteps: 1 });
    await train('frozen', { config: { ...CONFIG, frozenStages: 2 }, maxSteps: 2 });
    const [before, after] = await Promise.all(
      [checkpoint('none', 1), checkpoint('frozen', 2)].map(async (file) => {
        const { state } = await readCheckpoint(file);
        return (await loadDetector(file, { architecture: readCard(file, state, 'detect') })).store;
      }),
    );
    for (const { path } of before.entries) {
      const isFrozen = /^backbone\.(stages|downsample_layers)\.[01]\./.test(path);
      const isSame = before.get(path).every((value, i) => value === after.get(path)[i]);
      expect(isSame, path).toBe(isFrozen);
    }
  }, 60_000);
});

describe('refused before any work', () => {
  test('objects without a mask where masks are trained; boxes alone are learned from them', async () => {
    const bare = await changed('bare.json', ({ annotations }) => {
      const object = annotations.find(({ iscrowd }) => iscrowd === 0);
      if (object) delete object.segmentation;
    });
    const refused = train('bare', { training: bare });
    await expect(refused).rejects.toThrow(DataError);
    await expect(refused).rejects.toThrow(
      /bare\.json#\d+: expected a mask \(segmentation\) of every object, got none in image \d+ \(.*\.png\); train boxes only with detector\.masks=null, or add masks$/,
    );
    const config = { ...CONFIG, detector: { ...CONFIG.detector, masks: null } };
    const { metrics } = await train('boxes', {
      config,
      training: bare,
      validation: runs.validation,
      maxSteps: 1,
    });
    expect(Object.keys(metrics ?? {})).toContain('bbox_AP');
    expect(Object.keys(metrics ?? {}).filter((name) => name.startsWith('segm'))).toEqual([]);
  }, 60_000);

  test('validation data of other classes', async () => {
    const fewer = await changed('fewer.json', (file) => {
      const last = file.categories.pop();
      file.annotations = file.annotations.filter(
        (annotation) => (annotation as unknown as { category_id: number }).category_id !== last?.id,
      );
    });
    // A class that is missing is fine.
    expect((await train('fewer', { validation: fewer, maxSteps: 1 })).step).toBe(1);
    const renamed = await changed('renamed.json', ({ categories }) => {
      categories[1].name = 'other';
    });
    await expect(train('renamed', { validation: renamed })).rejects.toThrow(
      /renamed\.json: expected the 6 classes of .*\.json, got 6: "other" is none of them, "\w+" is missing/,
    );
  });

  test('a folder to resume from that has no checkpoint', async () => {
    await expect(train('nothing', { resume: true })).rejects.toThrow(
      /expected a checkpoint in .*nothing to resume from, got none/,
    );
  });
});

describe('weights', () => {
  test('of a detector with other classes start one with the class layers new', async () => {
    await train('six', { maxSteps: 1 });
    const five = await changed('five.json', (file) => {
      const last = file.categories.pop();
      file.annotations = file.annotations.filter(
        (annotation) => (annotation as unknown as { category_id: number }).category_id !== last?.id,
      );
    });
    const lines: string[] = [];
    const { step } = await train('five', {
      training: five,
      validation: five,
      weights: checkpoint('six', 1),
      maxSteps: 1,
      listener: { note: (line) => void lines.push(line) },
    });
    expect(step).toBe(1);
    expect(lines.join('\n')).toMatch(/class.*which are new \(5 classes: .*the file has 6: /);
  }, 60_000);
});

test('numbers that are not finite end the run with step and images; the last checkpoint stands', async () => {
  await train('blow', { maxSteps: 2 });
  const kept = readFileSync(checkpoint('blow', 2));
  const config = { ...CONFIG, lr: 1e30, clipNorm: null };
  const failed = train('blow', { config, resume: true });
  await expect(failed).rejects.toThrow(WorkError);
  await expect(failed).rejects.toThrow(
    /^train: step \d+: .*\.png \(image \d+\).*the last checkpoint is unchanged: lower the learning rate/,
  );
  expect(readdirSync(join(root, 'blow', 'checkpoints')).sort()).toEqual(
    ['step-00000002.json', 'step-00000002.safetensors'].sort(),
  );
  expect(readFileSync(checkpoint('blow', 2)).equals(kept)).toBe(true);
}, 60_000);

test('images of 1 x 1 and of 6000 x 50 pixels are trained around and evaluated', async () => {
  const odd = await changed('odd.json', (file) => {
    const sizes = [
      [1, 1],
      [6000, 50],
    ];
    sizes.forEach(([width, height], i) => {
      const name = `odd-${i}.png`;
      writeFileSync(
        join(root, 'data/train', name),
        encodeRgbPng({ width, height, data: new Uint8Array(width * height * 3).fill(99) }),
      );
      file.images.push({ id: 900 + i, file_name: name, width, height });
      file.annotations.push({
        ...file.annotations[0],
        id: 9000 + i,
        image_id: 900 + i,
        bbox: [0, 0, width, height],
        area: width * height,
        segmentation: [[0, 0, width, 0, width, height, 0, height]],
      } as never);
    });
  });
  const records: LogRecord[] = [];
  const { step, metrics } = await train('odd', {
    config: { ...CONFIG, epochs: 1, accumulation: 1 },
    training: odd,
    validation: odd,
    listener: { record: (record) => void records.push(record) },
  });
  expect(step).toBe(7); // all but the image of one pixel
  expect(metrics?.['count']).toBe(8);
  const image = await decodeImage(join(root, 'data/train/odd-0.png'));
  const view = detectorInput(image, { pixels: CONFIG.pixels, ...CONFIG.evaluation });
  expect([view.imageSize, view.scale.x]).toEqual([{ width: 64, height: 64 }, 64]);
}, 60_000);

test('five hundred objects in an image, and some outside it or without area, are no obstacle', async () => {
  const many = await changed('many.json', (file) => {
    const [first] = file.annotations;
    const object = (id: number, bbox: readonly number[]): never => {
      const [x, y, w, h] = bbox;
      const segmentation = [[x, y, x + w, y, x + w, y + h, x, y + h]];
      return { ...first, id, bbox, area: w * h, segmentation, iscrowd: 0 } as never;
    };
    for (let i = 0; i < 500; i++)
      file.annotations.push(object(5000 + i, [i % 80, Math.floor(i / 80) * 8, 9, 7]));
    file.annotations.push(object(7000, [200, 10, 5, 5]), object(7001, [3, 3, 0, 6]));
  });
  const sample = trainingSamples(many).at(0);
  expect(sample.objects.ids.length).toBeGreaterThanOrEqual(500);
  expect([...sample.objects.ids].filter((id) => id >= 7000)).toEqual([]);
  const { step } = await train('many', {
    config: { ...CONFIG, epochs: 1, accumulation: 1 },
    training: many,
  });
  expect(step).toBe(6);
}, 60_000);
