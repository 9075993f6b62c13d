import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { AnnotationsError } from '../../../core/errors.js';
import { loadCoco } from '../../../datasets/coco/set.js';
import { groundTruthDomain } from '../../../datasets/coco/ground-truth.js';
import { CocoEvaluator } from '../../../evaluation/coco/evaluator.js';
import { fixedApParameters, lvisParameters } from '../../../evaluation/coco/federated.js';
import { LVIS_STATS } from '../../../evaluation/coco/summary.js';
import { openEngine } from '../../../engine/runtime/engine.js';
import { modelOf } from '../../../inference/model-of.js';
import { evaluationReport } from '../../../train/evaluate.js';
import { peekCoco } from '../../../io/coco/peek.js';
import { lvisDocument, lvisText, scoreLvis } from '../../../tools/score/lvis.js';
import { readDetections, readGroundTruth } from '../../../tools/score/read-coco.js';
import { FIXTURES } from '../../helpers/fixtures.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { tinyNetworks } from '../../helpers/tiny-models.js';
import { writeGray } from '../../helpers/tiny-coco.js';

type Kind = 'lvis' | 'perImage' | 'fixed';

interface Fixture {
  readonly perImage: number;
  readonly perCategory: number;
  readonly problems: readonly {
    readonly gt: {
      readonly images: readonly Record<string, unknown>[];
      readonly annotations: readonly Record<string, unknown>[];
      readonly categories: readonly Record<string, unknown>[];
    };
    readonly results: readonly Record<string, unknown>[];
    readonly values: Readonly<Record<'bbox' | 'segm', Readonly<Record<Kind, readonly number[]>>>>;
  }[];
}

const { path, put } = temporaryFolder();
const { perImage, perCategory, problems } = JSON.parse(
  readFileSync(join(FIXTURES, 'metrics/lvis.json'), 'utf8'),
) as Fixture;

describe.each(problems.map((problem, i) => ({ ...problem, i })))('problem $i', (problem) => {
  const { gt, results, values, i } = problem;
  const files = async (): Promise<{ gt: string; dt: string[] }> => ({
    gt: await put(`gt-${i}.json`, JSON.stringify(gt)),
    dt: [await put(`dt-${i}.json`, JSON.stringify(results))],
  });

  test.each(['bbox', 'segm'] as const)('%s: the numbers of the package', async (iouType) => {
    const inputs = await files();
    const groundTruth = await readGroundTruth(inputs.gt, iouType, { isFederated: true });
    const options = { iouType, strict: true, unknownImages: 'refuse' } as const;
    const { detections } = await readDetections(inputs.dt, groundTruth, options);
    const parameters = {
      lvis: lvisParameters(iouType),
      perImage: lvisParameters(iouType, {
        maxDetections: [perImage],
        detectionsPerImage: perImage,
      }),
      fixed: fixedApParameters(iouType, perCategory),
    };
    for (const kind of ['lvis', 'perImage', 'fixed'] as const) {
      const evaluator = new CocoEvaluator(groundTruth, parameters[kind]);
      evaluator.update(detections);
      const { stats, statNames } = evaluator.finish();
      expect(statNames).toBe(LVIS_STATS);
      stats.forEach((value, s) =>
        expect(value, `${kind} ${LVIS_STATS[s]}`).toBeCloseTo(values[iouType][kind][s], 12),
      );
    }
  });

  test('scored image by image as by eval, and by score lvis', async () => {
    const inputs = await files();
    const groundTruth = await readGroundTruth(inputs.gt, 'bbox', { isFederated: true });
    const evaluator = new CocoEvaluator(groundTruth, lvisParameters('bbox'));
    for (const { id } of gt.images) {
      const own = results.filter((result) => result['image_id'] === id);
      const file = await put(`own-${i}.json`, JSON.stringify(own));
      const options = { iouType: 'bbox', strict: true, unknownImages: 'refuse' } as const;
      if (own.length > 0)
        evaluator.update((await readDetections([file], groundTruth, options)).detections);
    }
    const { stats } = evaluator.finish();
    stats.forEach((value, s) => expect(value).toBeCloseTo(values.bbox.lvis[s], 12));

    const request = { ...inputs, iouType: 'bbox', fixed: false } as const;
    const score = await scoreLvis(request);
    const document = lvisDocument(score, request) as {
      readonly metrics: Record<string, number>;
      readonly perCategory: readonly { readonly frequency: string; readonly name: string }[];
    };
    expect(Object.values(document.metrics)).toEqual(score.result.stats);
    expect(document.metrics['APr']).toBeCloseTo(values.bbox.lvis[6], 12);
    expect(document.perCategory.map(({ frequency }) => frequency)).toEqual(
      gt.categories.map(({ frequency }) => frequency),
    );
    expect(lvisText(score, true)).toContain((100 * values.bbox.lvis[0]).toFixed(2));
  });
});

test('fixed AP has room for 10,000 detections of a category', () => {
  expect(fixedApParameters('segm')).toMatchObject({
    maxDetections: [10_000],
    detectionsPerCategory: 10_000,
  });
});

test('annotations of other sets, and damaged labels, are refused', async () => {
  const image = { id: 1, width: 10, height: 10, file_name: 'a.jpg' };
  const plain = { images: [image], annotations: [], categories: [{ id: 1, name: 'a' }] };
  const request = { dt: [await put('none.json', '[]')], iouType: 'bbox', fixed: false } as const;
  const file = await put('plain.json', JSON.stringify(plain));
  await expect(scoreLvis({ ...request, gt: file })).rejects.toThrow(AnnotationsError);
  await expect(scoreLvis({ ...request, gt: file })).rejects.toThrow('score coco is for others');
  const wrong = await put(
    'wrong.json',
    JSON.stringify({ ...plain, images: [{ ...image, neg_category_ids: 'a' }] }),
  );
  await expect(scoreLvis({ ...request, gt: wrong })).rejects.toThrow('neg_category_ids');
});

test('files are named by coco_url, and score coco ignores what LVIS adds', async () => {
  const [{ gt, results }] = problems;
  const file = path('annotations.json');
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(gt));
  for (const { coco_url: url } of gt.images)
    writeGray(path(`images/${String(url).split('/').slice(-2).join('/')}`), {
      width: 200,
      height: 200,
    });
  expect(await peekCoco(file)).toMatchObject({ firstFileName: 'val2017/000000000000.jpg' });
  const set = await loadCoco({ annotations: file, images: path('images') });
  expect(set.images.fileNames[1]).toBe('val2017/000000000001.jpg');
  const federated = groundTruthDomain(set).federated;
  const { id, neg_category_ids: absent } = gt.images[0];
  expect([...(federated?.absent.get(id as number) ?? [])]).toEqual(absent);
  expect(federated?.frequencies.size).toBe(gt.categories.length);
  const plain = await readGroundTruth(file, 'bbox');
  expect(plain.federated).toBeUndefined();
  expect(results.length).toBeGreaterThan(50);
});

test('images of several folders of COCO may lie in one', async () => {
  const [{ gt }] = problems;
  const file = await put('flat.json', JSON.stringify(gt));
  for (const { coco_url: url } of gt.images)
    writeGray(path(`flat/${String(url).split('/').at(-1)}`), { width: 200, height: 200 });
  const set = await loadCoco({ annotations: file, images: path('flat') });
  expect(set.images.fileNames[3]).toBe('000000000003.jpg');
});

test('eval follows the rules of LVIS where the annotations have its labels', async () => {
  const [{ gt }] = problems;
  const classes = gt.categories.map(({ name }) => String(name));
  const { detect } = tinyNetworks(classes);
  const model = modelOf<'detect'>(await openEngine(), detect);
  try {
    const file = await put('eval.json', JSON.stringify({ ...gt, images: gt.images.slice(0, 2) }));
    const source = JSON.parse(readFileSync(file, 'utf8')) as (typeof problems)[0]['gt'];
    const ids = new Set(source.images.map(({ id }) => id));
    const annotations = gt.annotations.filter(({ image_id: id }) => ids.has(id as number));
    const small = await put('small.json', JSON.stringify({ ...source, annotations }));
    for (const { coco_url: url } of source.images)
      writeGray(path(`few/${String(url).split('/').at(-1)}`), { width: 200, height: 200 });
    const set = await loadCoco({ annotations: small, images: path('few') });
    const { document, table } = await evaluationReport(model, set, {});
    expect(Object.keys(document['bbox'] as object)).toEqual([...LVIS_STATS]);
    expect(table[0]).toEqual(['%', ...LVIS_STATS]);
    expect(table[1]).toHaveLength(14);
    const perCategory = await evaluationReport(model, set, { perCategory: true });
    for (const row of perCategory.table) expect(row).toHaveLength(14);
    expect(document['detections']).toBeGreaterThan(100);
  } finally {
    await model.release();
  }
});
