import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ConfigError, DataError } from '../../../core/errors.js';
import { encodeLabelPng } from '../../../io/png/write.js';
import { defineScore } from '../../../tools/score.js';
import { discoverMetricFixtures } from '../../evaluation/metric-fixtures.js';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'score-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

interface Run {
  /** Standard output. */
  readonly out: string;
  /** Standard error. */
  readonly err: string;
}

/** Runs `convnextv2 score …` in this process. */
async function score(...args: readonly string[]): Promise<Run> {
  const out: string[] = [];
  const err: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => out.push(String(text)) > 0);
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => err.push(String(text)) > 0);
  vi.spyOn(console, 'log').mockImplementation((text) => out.push(`${String(text)}\n`));
  const program = new Command('convnextv2').exitOverride();
  defineScore(program.command('score'));
  try {
    await program.parseAsync(['score', ...args], { from: 'user' });
  } finally {
    vi.restoreAllMocks();
  }
  return { out: out.join(''), err: err.join('') };
}

async function scoreJson<Document>(
  ...args: readonly string[]
): Promise<Document & { warnings: string[] }> {
  return JSON.parse((await score(...args, '--json')).out) as Document & { warnings: string[] };
}

function file(name: string, content: unknown): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

interface CocoDocument {
  readonly stats: number[];
  readonly metrics: Record<string, number>;
  readonly sha256: Record<string, string>;
  readonly perCategory: { categoryId: number; AP: number }[];
  readonly byLimit: { limit: number; AP: number; AR: number }[];
  readonly byArea: { area: string; AP: number }[];
  readonly errors?: { counts: Record<string, number> };
  readonly confusion?: { counts: number[][] };
}

interface RunJson {
  readonly iouType: string;
  readonly params: {
    readonly useCats?: number;
    readonly maxDets?: number[];
    readonly imgIds?: number[];
    readonly catIds?: number[];
    readonly iouThrs?: number[];
    readonly areaRng?: number[][];
    readonly areaRngLbl?: string[];
  };
  readonly stats: number[];
  readonly sha256: Record<string, string>;
}

/** The command line of a fixture's run. */
function flagsOf({ iouType, params }: RunJson): string[] {
  const { areaRng, areaRngLbl } = params;
  const areas = areaRng?.map(([min, max], i) => `${areaRngLbl?.[i]}:${min}-${max}`);
  return [
    ...['--type', iouType],
    ...(params.useCats === 0 ? ['--pool-categories'] : []),
    ...(params.maxDets ? ['--max-dets', params.maxDets.join()] : []),
    ...(params.imgIds ? ['--image-ids', params.imgIds.join()] : []),
    ...(params.catIds ? ['--category-ids', `@${file('ids.txt', params.catIds.join('\n'))}`] : []),
    ...(params.iouThrs ? ['--iou-thresholds', params.iouThrs.join()] : []),
    ...(areas ? ['--area-ranges', areas.join()] : []),
  ];
}

const cocoCases = discoverMetricFixtures<{ runs: RunJson[] }>(
  'cocoeval',
  (name) => name === 'expected.json',
);

describe.each(cocoCases)('score coco: $name', ({ folder: from, json: { runs } }) => {
  test.each(runs)('gives the numbers of $iouType $params', async (run) => {
    const dt = join(from, `dt-${run.iouType}.json`);
    const document = await scoreJson<CocoDocument>(
      ...['coco', '--gt', join(from, 'gt.json'), '--dt', dt],
      ...flagsOf(run),
    );
    expect(document.sha256).toEqual(run.sha256);
    document.stats.forEach((value, i) =>
      expect(Math.abs(value - run.stats[i])).toBeLessThan(1e-12),
    );
    const { byLimit } = document;
    const isUsual = run.iouType === 'keypoints' || run.params.maxDets === undefined;
    if (isUsual) expect(Object.values(document.metrics)).toEqual(document.stats);
    // Otherwise recalls are named by their limits, and AP is that of the largest, which the reference does not give.
    else {
      expect(document.metrics['AP']).toBe(byLimit.at(-1)?.AP);
      for (const { limit, AR } of byLimit) expect(document.metrics[`AR${limit}`]).toBe(AR);
    }
  });
});

describe('score coco', () => {
  const images = [1, 2].map((id) => ({ id, width: 20, height: 20 }));
  const annotation = { area: 100, bbox: [0, 0, 10, 10], iscrowd: 0, category_id: 1 };
  const gt = {
    images,
    categories: [
      { id: 1, name: 'cat' },
      { id: 2, name: 'dog' },
    ],
    annotations: [
      { ...annotation, id: 1, image_id: 1 },
      { ...annotation, id: 2, image_id: 2 },
    ],
  };
  const found = (image_id: number, score: number): object => ({
    image_id,
    category_id: 1,
    bbox: [0, 0, 10, 10],
    score,
  });

  test('prints percentages, categories and "-" where there is nothing to measure', async () => {
    const args = [
      '--gt',
      file('gt.json', gt),
      '--dt',
      file('dt.json', [found(1, 0.9), found(2, 0.8)]),
    ];
    const { out } = await score('coco', ...args, '--type', 'bbox', '--per-category', '--errors');
    expect(out).toContain('bbox: 2 images, 2 annotations, 2 detections');
    expect(out).toMatch(/AP +AP50 +AP75/);
    expect(out).toMatch(/cat +100\.0 +100\.0 +100\.0/);
    expect(out).toMatch(/dog +- +- +-/);
    expect(out).toMatch(/missed +0/);
  });

  test('other limits give tables instead of a meaningless number', async () => {
    const args = ['--gt', file('gt.json', gt), '--dt', file('dt.json', [found(1, 0.9)])];
    const { out, err } = await score('coco', ...args, '--type', 'bbox', '--max-dets', '300,1');
    expect(out).toMatch(/detections +AP +AR\n1 .*\n300 /);
    expect(err).toMatch(/^warning: the first number \(AP\) is defined for 100/);
  });

  test('recalls are named by the limits given, and AP is that of the largest', async () => {
    const boxes = Array.from({ length: 30 }, (_, i) => [20 * (i % 6), 20 * (i / 6), 10, 10]);
    const annotations = boxes.map((bbox, i) => ({
      id: i + 1,
      image_id: 1,
      category_id: 1,
      bbox,
      area: 100,
      iscrowd: 0,
    }));
    const images = [{ id: 1, file_name: 'a.jpg', width: 200, height: 200 }];
    const truth = file('many.json', { images, annotations, categories: gt.categories });
    const dt = file(
      'dt.json',
      boxes.map((bbox, i) => ({ image_id: 1, category_id: 1, bbox, score: 1 - i / 100 })),
    );
    const args = ['coco', '--gt', truth, '--dt', dt, '--type', 'bbox', '--max-dets'];
    const { out } = await score(...args, '3,15,300');
    expect(out).toMatch(/AP +AP50 +AP75 +APs +APm +APl +AR3 +AR15 +AR300 +ARs +ARm +ARl\n100\.00 /);
    const { metrics } = await scoreJson<CocoDocument>(...args, '3,15,300');
    const expected = { AP: 1, AR3: 0.1, AR15: 0.5, AR300: 1 };
    for (const [name, value] of Object.entries(expected))
      expect(metrics[name], name).toBeCloseTo(value, 12);
    expect((await score(...args, '300')).out).toMatch(/APl +AR300 +ARs/);
  });

  test('keypoints of other numbers than a person has name the option, text as id its field', async () => {
    const keypoints = [1, 1, 2, 9, 9, 2, 5, 5, 1, 2, 3, 0];
    const annotation = { ...gt.annotations[0], keypoints, num_keypoints: 3 };
    const truth = file('points.json', { ...gt, annotations: [annotation] });
    const result = { image_id: annotation.image_id, category_id: 1, keypoints, score: 1 };
    const args = ['coco', '--gt', truth, '--dt', file('dt.json', [result]), '--type', 'keypoints'];
    await expect(score(...args)).rejects.toThrow(
      /dt\.json: expected 17 keypoints .* got 12 numbers for 1 \(4 keypoints each\); give --sigmas with 4 numbers/,
    );
    const { out } = await score(...args, '--sigmas', '0.1,0.1,0.1,0.1');
    expect(out).toMatch(/\n100\.00 /);
    const texts = file('dt.json', [{ ...result, image_id: '1' }]);
    await expect(
      score('coco', '--gt', truth, '--dt', texts, '--type', 'keypoints'),
    ).rejects.toThrow(/dt\.json: \[0\]: image_id: expected a whole number .*, got "1"/);
  });

  test('several files are one list; partial results of processes merge to the same', async () => {
    const gtFile = file('gt.json', gt);
    const [a, b] = [[found(1, 0.9)], [found(2, 0.8), { ...found(2, 0.7), category_id: 2 }]].map(
      (records, i) => file(`dt-${i}.json`, records),
    );
    const common = ['coco', '--gt', gtFile, '--type', 'bbox'];
    const whole = await scoreJson<CocoDocument>(...common, '--dt', a, b, '--confusion', '0.5');
    const parts = ['a.part', 'b.part'].map((name) => join(folder, name));
    await score(...common, '--dt', a, '--part', parts[0]);
    await score(...common, '--dt', b, '--part', parts[1]);
    const merged = await scoreJson<CocoDocument>(...common, '--merge', ...parts);
    const mixed = await scoreJson<CocoDocument>(...common, '--dt', a, '--merge', parts[1]);
    for (const { stats, sha256 } of [merged, mixed])
      expect({ stats, sha256 }).toEqual({ stats: whole.stats, sha256: whole.sha256 });
    expect(whole.confusion?.counts).toEqual([
      [2, 0, 0],
      [0, 0, 0],
      [0, 1, 0],
    ]);
    await expect(score(...common, '--dt', b, '--merge', parts[1])).rejects.toThrow(
      'image 2 at once',
    );
  });

  test('an empty list is a warning, an unknown image an error or a warning', async () => {
    const args = ['coco', '--gt', file('gt.json', gt), '--type', 'bbox'];
    const empty = await scoreJson<CocoDocument>(...args, '--dt', file('dt.json', []));
    expect([empty.stats[0], empty.warnings]).toEqual([0, [expect.stringContaining('are empty')]]);
    const unknown = ['--dt', file('dt.json', [found(1, 0.9), found(7, 0.5)])];
    await expect(score(...args, ...unknown)).rejects.toThrow(DataError);
    const left = await scoreJson<CocoDocument>(
      ...args,
      ...unknown,
      '--unknown-images',
      'leave-out',
    );
    expect(left.warnings).toEqual([expect.stringContaining('1 detections are of images')]);
  });

  test.each([
    [['--type', 'boxes'], '--type: expected bbox, segm or keypoints, got boxes'],
    [['--type', 'bbox', '--max-dets', '1,x'], '--max-dets: expected numbers with commas'],
    [['--type', 'bbox', '--image-ids', '1.5'], '--image-ids: expected whole numbers'],
    [['--type', 'bbox', '--image-ids', '@/no/such'], '--image-ids: expected a readable file'],
    [['--type', 'bbox', '--area-ranges', 'all'], '--area-ranges: expected NAME:MIN-MAX'],
    [['--type', 'bbox', '--dt', 'x', '--confusion', 'x'], '--confusion: expected a score, got x'],
    [['--type', 'bbox', '--unknown-images', 'x'], '--unknown-images: expected refuse or leave-out'],
    [['--type', 'bbox'], '--dt: expected result files, or --merge, got none'],
    [
      ['--type', 'bbox', '--merge', 'x', '--errors'],
      '--errors: expected result files alone, got --merge, too; parts hold no detections',
    ],
    [
      ['--type', 'keypoints', '--dt', 'x', '--confusion', '0.5'],
      '--confusion: expected --type bbox or segm, got keypoints',
    ],
  ])('refuses %j', async (flags, message) => {
    const run = score('coco', '--gt', file('gt.json', gt), ...flags);
    await expect(run).rejects.toThrow(ConfigError);
    await expect(run).rejects.toThrow(message);
  });

  test('a missing file is named', async () => {
    const run = score('coco', '--gt', '/no/such.json', '--dt', 'x', '--type', 'bbox');
    await expect(run).rejects.toThrow('/no/such.json: expected a readable file, got ENOENT');
  });
});

interface SemanticDocument {
  readonly metrics: Record<string, number | null>;
  readonly boundaryIoU?: number;
  readonly counts: { images: number; outOfRangePredictions: number };
  readonly confusion: number[][];
  readonly perImage?: { file: string; mIoU: number }[];
}

describe('score ade20k', () => {
  const png = (width: number, ...data: number[]): Uint8Array =>
    encodeLabelPng({ width, height: data.length / width, data: Uint8Array.from(data) });

  function folders(
    labels: Record<string, Uint8Array>,
    predictions: Record<string, Uint8Array>,
  ): string[] {
    const paths = ['labels', 'predictions'].map((name) => join(folder, name));
    [labels, predictions].forEach((files, i) => {
      rmSync(paths[i], { recursive: true, force: true });
      mkdirSync(paths[i]);
      for (const [name, bytes] of Object.entries(files)) writeFileSync(join(paths[i], name), bytes);
    });
    return ['ade20k', '--gt', paths[0], '--dt', paths[1]];
  }

  test('counts predictions numbered as the labels', async () => {
    const args = folders(
      { 'a.png': png(3, 0, 1, 2), 'b.png': png(1, 3) },
      { 'a.png': png(3, 1, 1, 3), 'b.png': png(1, 0) },
    );
    const document = await scoreJson<SemanticDocument>(...args, '--boundary', '--per-image');
    expect(document.counts).toEqual({ images: 2, outOfRangePredictions: 1 });
    expect(document.confusion).toEqual([
      [0, 0, 1],
      [1, 2, 1],
    ]);
    expect(document.metrics['aAcc']).toBe(1 / 3);
    expect(document.metrics['mIoU']).toBe(1 / 3);
    expect(document.boundaryIoU).toBe(1 / 3);
    expect(document.perImage).toHaveLength(2);
    const { out } = await score(...args, '--per-class');
    expect(out).toMatch(/wall +100\.00/);
  });

  test('counts predictions that are class indices, and says when the other numbering fits better', async () => {
    const args = folders({ 'a.png': png(3, 1, 2, 3) }, { 'a.png': png(3, 0, 1, 2) });
    const right = await scoreJson<SemanticDocument>(...args, '--predictions', 'indices');
    expect([right.metrics['mIoU'], right.warnings]).toEqual([1, []]);
    const wrong = await scoreJson<SemanticDocument>(...args);
    expect(wrong.metrics['aAcc']).toBe(0);
    expect(wrong.warnings.at(-1)).toContain('--predictions indices');
  });

  test('partial results merge to the whole', async () => {
    const label = { 'a.png': png(2, 1, 2), 'b.png': png(2, 2, 2) };
    const prediction = { 'a.png': png(2, 1, 1), 'b.png': png(2, 2, 1) };
    const whole = await scoreJson<SemanticDocument>(...folders(label, prediction), '--boundary');
    const parts = (['a.png', 'b.png'] as const).map((name) => join(folder, `${name}.part`));
    for (const [i, name] of (['a.png', 'b.png'] as const).entries())
      await score(
        ...folders({ [name]: label[name] }, { [name]: prediction[name] }),
        ...['--boundary', '--part', parts[i]],
      );
    const merge = ['ade20k', '--gt', folder, '--merge', ...parts];
    const merged = await scoreJson<SemanticDocument>(...merge, '--boundary');
    expect(merged.confusion).toEqual(whole.confusion);
    expect(merged.metrics).toEqual(whole.metrics);
    // Everything is boundary; each class is right in one of the three pixels that either side gives it.
    expect(whole.boundaryIoU).toBe(1 / 3);
    expect(merged.boundaryIoU).toBe(whole.boundaryIoU);
    expect((await scoreJson<SemanticDocument>(...merge)).boundaryIoU).toBeUndefined();
    await expect(score(...merge, '--per-image')).rejects.toThrow('--per-image: expected label');
    await score(...folders({ 'a.png': png(1, 1) }, { 'a.png': png(1, 1) }), '--part', parts[0]);
    await expect(score(...merge, '--boundary')).rejects.toThrow('write it with --boundary, too');
  });

  test('a missing prediction is an error, or left out with a warning', async () => {
    const args = folders(
      { 'a.png': png(1, 1), 'b.png': png(1, 1) },
      { 'a.png': png(1, 1), 'c.png': png(1, 1) },
    );
    await expect(score(...args)).rejects.toThrow('got none for b.png; give --allow-missing');
    const { warnings } = await scoreJson<SemanticDocument>(...args, '--allow-missing');
    expect(warnings).toEqual([
      expect.stringContaining('1 label files have no prediction'),
      expect.stringContaining('1 predictions have no label file'),
    ]);
  });

  test('wrong files are named', async () => {
    const sizes = folders({ 'a.png': png(1, 1) }, { 'a.png': png(2, 1, 1) });
    await expect(score(...sizes)).rejects.toThrow('a.png: expected 1x1 of the label file, got 2x1');
    const labels = folders({ 'a.png': png(1, 151) }, { 'a.png': png(1, 1) });
    await expect(score(...labels)).rejects.toThrow(
      'a.png: expected labels 1 to 150, 0 or 255, got 151',
    );
    await expect(score('ade20k', '--gt', '/no/such', '--dt', folder)).rejects.toThrow('/no/such');
    await expect(score('ade20k', '--gt', folder)).rejects.toThrow('--dt: expected a folder');
  });

  test('a damaged PNG is refused, or has its size', async () => {
    const bytes = png(8, ...Array.from({ length: 64 }, (_, i) => 1 + (i % 5)));
    let numRefused = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.nat(bytes.length - 1),
        fc.nat(255),
        fc.boolean(),
        async (at, value, isCut) => {
          const damaged = isCut ? bytes.slice(0, at) : bytes.map((b, i) => (i === at ? value : b));
          const args = folders({ 'a.png': bytes }, { 'a.png': damaged });
          try {
            const { counts } = await scoreJson<SemanticDocument>(...args);
            expect(counts.images).toBe(1);
          } catch (error) {
            expect(error).toBeInstanceOf(DataError);
            numRefused++;
          }
        },
      ),
      { numRuns: 60, seed: 1 },
    );
    expect(numRefused).toBeGreaterThan(20);
  });
});

interface ClassificationDocument {
  readonly metrics: Record<string, number | null>;
  readonly counts: { samples: number; classes: number };
}

const classificationCases = discoverMetricFixtures<{
  K: number;
  labels: number[];
  logits: string;
  top: Record<string, number>;
  calibration: { ece: number; brier: number };
}>('classification', () => true);

test.each(classificationCases)('score imagenet: $name', async ({ folder: from, json }) => {
  const bytes = new Uint8Array(readFileSync(join(from, json.logits)));
  const logits = new Float32Array(bytes.buffer);
  const lines = json.labels.map((label, i) =>
    JSON.stringify({
      file: `images/${i}.jpg`,
      label,
      logits: Array.from(logits.subarray(i * json.K, (i + 1) * json.K), (v) =>
        v === -Infinity ? '-Infinity' : v,
      ),
    }),
  );
  const { metrics } = await scoreJson<ClassificationDocument>(
    ...['imagenet', '--dt', file('results.jsonl', lines.join('\n'))],
  );
  expect(metrics['top1']).toBe(json.top['1']);
  expect(metrics['top5']).toBe(json.top['5']);
  expect(metrics['ece']).toBeCloseTo(json.calibration.ece, 12);
  expect(metrics['brier']).toBeCloseTo(json.calibration.brier, 12);
});

describe('score imagenet', () => {
  const top = [3, 1, 2, 0, 4];

  test('takes labels from a JSON list, an object or lines, by file name', async () => {
    const dt = file(
      'r.jsonl',
      `${JSON.stringify({ file: 'x/a.jpg', top })}\n\n${JSON.stringify({ file: 'b.jpg', top })}\n`,
    );
    for (const labels of [
      [
        { file: 'val/a.jpg', index: 3 },
        { file: 'b.jpg', label: 7 },
      ],
      { 'a.jpg': 3, 'b.jpg': 7 },
      'a.jpg 3\nb.jpg 7\n',
    ]) {
      const gt = file('labels.txt', labels);
      const { metrics } = await scoreJson<ClassificationDocument>(
        ...['imagenet', '--dt', dt, '--gt', gt, '--num-classes', '9'],
      );
      expect([metrics['top1'], metrics['top5']]).toEqual([0.5, 0.5]);
    }
  });

  test('takes what predict wrote', async () => {
    const predictions = [
      { file: 'a.jpg', top: top.map((classIndex) => ({ classIndex, probability: 0.1 })) },
    ];
    const dt = file('predictions.json', { model: 'm', predictions });
    const gt = file('labels.txt', 'a.jpg 2\nc.jpg 1');
    const document = await scoreJson<ClassificationDocument>(
      ...['imagenet', '--dt', dt, '--gt', gt, '--num-classes', '5'],
    );
    expect(document.metrics).toMatchObject({ top1: 0, top5: 1 });
    expect(document.warnings).toEqual(['1 labeled images have no result and are left out']);
  });

  test('partial results merge to the whole', async () => {
    const line = (name: string, label: number): string =>
      JSON.stringify({ file: name, label, logits: [0, 1, 2, 3, 4, 5] });
    const part = join(folder, 'i.part');
    await score('imagenet', '--dt', file('a.jsonl', line('a', 5)), '--part', part);
    const dt = file('b.jsonl', line('b', 0));
    const { metrics, counts } = await scoreJson<ClassificationDocument>(
      'imagenet',
      '--dt',
      dt,
      '--merge',
      part,
    );
    expect([metrics['top1'], counts]).toEqual([0.5, { samples: 2, classes: 6 }]);
  });

  test.each([
    ['{', 'r.jsonl:1: expected a JSON object per line'],
    ['[1]', 'r.jsonl:1: expected an object'],
    ['{"label":1}', 'expected "file" as text'],
    ['{"file":"a","label":[1],"top":[1,2,3,4,0]}', 'expected "label" as a class, got [1]'],
    ['{"file":"a","label":"1","logits":[1,2]}', 'expected a class index, or --classes FILE'],
    ['{"file":"a","label":1}', 'expected "logits" or "top", got file, label'],
    ['{"file":"a","label":1,"logits":[1,null]}', 'expected numbers in "logits", got null at 1'],
    ['{"file":"a","label":9,"logits":[1,2]}', 'expected a label of 0 to 1, got 9'],
    ['{"file":"a","top":[1,2,3,4,0]}', 'expected a label or --gt, got none'],
    ['{"file":"a","label":0,"top":[1,2,3,4,0]}', '--num-classes: expected the number of classes'],
    [
      '{"file":"a","label":0,"logits":[1]}\n{"file":"x/a","label":0,"logits":[1]}',
      'each image once, got a again',
    ],
  ])('refuses %s', async (text, message) => {
    await expect(score('imagenet', '--dt', file('r.jsonl', text))).rejects.toThrow(message);
  });
});
