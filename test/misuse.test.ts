import { existsSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describedValue } from '../core/arguments.js';
import { decodeExamples } from '../datasets/in-memory.js';
import * as api from '../index.js';
import { encodeRgbPng } from '../io/png/write.js';
import { temporaryFolder } from './helpers/temporary-folder.js';
import { tinyModels } from './helpers/tiny-models.js';

/*
 * Callers without types: whatever the functions of the public API are called with, errors are those of the API, which say
 * what was expected. Nothing is opened, trained or written, because no call is complete.
 */
const { folder } = temporaryFolder();

type Callable = (...values: readonly unknown[]) => unknown;

const WRONG = [undefined, null, 3, 'none', {}, [], () => 1, Object.create(null)] as const;
const isError = (value: Callable): boolean => value.prototype instanceof Error;
const FUNCTIONS = Object.entries(api as Readonly<Record<string, unknown>>).filter(
  (entry): entry is [string, Callable] =>
    typeof entry[1] === 'function' && !isError(entry[1] as Callable),
);

/** Calls a function or constructs an object. @returns the error if it is none of the API */
async function foreignError(callee: Callable, values: readonly unknown[]): Promise<unknown> {
  const isClass = Function.prototype.toString.call(callee).startsWith('class');
  try {
    await (isClass ? (Reflect.construct(callee, values) as unknown) : callee(...values));
    return undefined;
  } catch (error) {
    return error instanceof api.InputError || error instanceof api.WorkError ? undefined : error;
  }
}

const shown = (name: string, values: readonly unknown[], error: unknown): string =>
  `${name}(${values.map(describedValue).join(', ')}): ${String(error)}`;

test.each(FUNCTIONS)('%s refuses wrong arguments', async (name, callee) => {
  const problems: string[] = [];
  const calls = [[], ...WRONG.map((a) => [a]), ...WRONG.flatMap((a) => WRONG.map((b) => [a, b]))];
  for (const values of calls) {
    const error = await foreignError(callee, values);
    if (error !== undefined) problems.push(shown(name, values, error));
  }
  expect(problems).toEqual([]);
});

const IMAGE = { width: 1, height: 1, data: new Uint8Array(3) };
const RESULT = { task: 'detect', width: 1, height: 1, objects: [], classNames: [] };
const out = (): string => `${folder}/a.onnx`;

test.each<[string, () => unknown, RegExp]>([
  ['a path for an object', () => api.loadCoco('a.json' as never), /loadCoco: expected a source as/],
  ['a number', () => api.openWeights(3 as never), /expected the path of a weight file, got 3/],
  ['no options', () => api.loadModel('none', null as never), /an object of options, got null/],
  ['no model', () => api.exportOnnx(undefined as never, { out: out() }), /an open model, its/],
  ['no weights', () => api.exportOnnx({} as never, { out: out() }), /got {} without model/],
  [
    'a layout of another kind',
    () => api.checkData({ kind: 'x', splits: {} } as never, {} as never),
    /got "x"/,
  ],
  ['no layout', () => api.checkData('none' as never, {} as never), /that detectLayout returned/],
  [
    'no result',
    () => api.draw(null as never, IMAGE),
    /draw: expected the result of a model, got null/,
  ],
  ['a result of another task', () => api.draw({ ...RESULT, task: 'x' } as never, IMAGE), /got "x"/],
  [
    'a result without objects',
    () => api.toYolo({ ...RESULT, objects: 3 } as never),
    /list of objects, got 3/,
  ],
  ['a model for its result', () => api.toCoco({ task: 'detect' } as never), /without width/],
  ['no picture', () => api.draw(RESULT as never, null as never), /image: expected a path or/],
  [
    'no folder',
    () => api.writeShapes(null as never, api.SHAPES_DEFAULTS),
    /path of a folder, got null/,
  ],
  ['an empty path', () => api.detectLayout(''), /expected the path of a data set, got ""/],
])('%s is named with what was expected', async (_, call, message) => {
  const error: unknown = await Promise.resolve()
    .then(call)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(api.InputError);
  expect((error as Error).message).toMatch(message);
});

test('the functions of the table are all of the API', () => {
  expect(FUNCTIONS.length).toBeGreaterThan(80);
  expect(Object.keys(api).filter((name) => /^[a-z]/.test(name))).toEqual(
    expect.arrayContaining(['loadModel', 'evaluate', 'train']),
  );
});

let models: Awaited<ReturnType<typeof tinyModels>>;
beforeAll(async () => {
  models = await tinyModels();
});
afterAll(async () => {
  for (const model of Object.values(models)) await model.release();
});

/** Error of a call that must fail with one of the API. */
async function refusal(call: () => unknown): Promise<string> {
  const error: unknown = await Promise.resolve()
    .then(call)
    .catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(api.InputError);
  return (error as Error).message;
}

const IMAGE_4X4 = { width: 4, height: 4, data: new Uint8Array(48).fill(90) };
const MAP = { width: 4, height: 4, data: new Uint8Array(16) };
const EXAMPLES = {
  classify: { image: IMAGE_4X4, label: 'a' },
  detect: { image: IMAGE_4X4, objects: [{ box: [0, 0, 2, 2], label: 'a' }] },
  segment: { image: IMAGE_4X4, labels: MAP },
} as const;
const TASKS = ['classify', 'detect', 'segment'] as const;

test.each(TASKS)('%s: examples of another task are refused by index and fields', async (task) => {
  const others = TASKS.filter((other) => other !== task).map((other) => EXAMPLES[other]);
  const wrong = [...others, { image: IMAGE_4X4 }, {}, null, 3, 'photo.jpg', []];
  for (const example of wrong) {
    const data = [EXAMPLES[task], example] as never;
    expect(await refusal(() => api.evaluate(models[task] as api.ImageModel, data))).toMatch(
      new RegExp(`^data: image 1: expected \\{ image, (label|objects).* to ${task}, got`),
    );
    const recipe = task === 'classify' ? 'classify' : `${task}-finetune`;
    const options = { folder: `${folder}/never`, data: { classes: ['a'], training: data } };
    expect(await refusal(() => api.train(recipe, options as never))).toMatch(/^data: image 1: exp/);
  }
  expect(await refusal(() => api.evaluate(models[task] as api.ImageModel, []))).toBe(
    'eval: expected images, got none',
  );
});

test('labels of a wrong kind are refused', async () => {
  const wrong: readonly (readonly ['classify' | 'detect' | 'segment', unknown, RegExp])[] = [
    ['classify', { image: IMAGE_4X4, label: null }, /label: null$/],
    ['detect', { image: IMAGE_4X4, objects: [null] }, /objects: \[null\]$/],
    ['detect', { image: IMAGE_4X4, objects: 3 }, /objects: 3$/],
    [
      'detect',
      { image: IMAGE_4X4, objects: [{ box: [0, 0, 2, 2], label: 'a', mask: 3 }] },
      /a mask as/,
    ],
    ['segment', { image: IMAGE_4X4, labels: { data: MAP.data } }, /got labels: \{ data \}$/],
    ['segment', { image: IMAGE_4X4, labels: [1] }, /labels: an Array$/],
    ['segment', { image: IMAGE_4X4, labels: { ...MAP, data: [1] } }, /got labels: \{ width/],
  ];
  for (const [task, example, message] of wrong)
    expect(
      await refusal(() => api.evaluate(models[task] as api.ImageModel, [example] as never)),
    ).toMatch(message);
});

test('evaluate refuses what is no model', async () => {
  for (const model of [{ task: 'detect' }, { task: 'classify', predict: 3 }, { task: 'pretrain' }])
    expect(await refusal(() => api.evaluate(model as never, 'data'))).toMatch(
      /^evaluate: expected a model/,
    );
});

test('evaluate is typed by the task', async () => {
  const { classify, detect, segment } = models;
  const { top1, count }: { top1: number; count: number } = await api.evaluate(
    classify,
    [EXAMPLES.classify],
    { workers: 1 },
  );
  expect([top1 === 0 || top1 === 1, count]).toEqual([true, 1]);
  const { bbox, bboxPerCategory } = await api.evaluate(detect, [EXAMPLES.detect]);
  expect(bbox.AP50).toBeTypeOf('number');
  expect(bboxPerCategory[0].AP).toBeTypeOf('number');
  const { mIoU, perClass } = await api.evaluate(segment, [EXAMPLES.segment]);
  expect([mIoU >= 0, perClass.length]).toEqual([true, 3]);
  // @ts-expect-error examples of another task
  await refusal(() => api.evaluate(detect, [EXAMPLES.classify]));
});

test('examples take the images that predict takes', async () => {
  const rgba = Uint8ClampedArray.from({ length: 64 }, (_, i) => (i % 4 === 3 ? 7 : 90));
  const png = encodeRgbPng(IMAGE_4X4);
  const file = `${folder}/example.png`;
  writeFileSync(file, png);
  const images: readonly api.ImageInput[] = [
    IMAGE_4X4,
    { width: 4, height: 4, data: rgba, channels: 4 },
    { width: 4, height: 4, data: Uint8Array.from(rgba) },
    { width: 4, height: 4, data: Uint8ClampedArray.from(IMAGE_4X4.data) },
    png,
    file,
    pathToFileURL(file),
  ];
  const examples = images.map((image) => ({ image, label: 'a' }));
  const decoded = await decodeExamples('classify', examples);
  for (const { image, label } of decoded)
    expect([image.width, image.height, label, ...image.data]).toEqual([
      4,
      4,
      'a',
      ...IMAGE_4X4.data,
    ]);
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [3, /^data: image 1: expected a path or file: URL.*, got 3$/],
    [null, /^data: image 1: expected a path/],
    [{ ...IMAGE_4X4, data: [1] }, /^data: image 1: expected a path.*data that is an Array/],
    [`${folder}/none.png`, /^data: image 1: .*none\.png/],
    [Buffer.from('no image'), /^data: image 1: /],
  ];
  for (const [image, message] of wrong) {
    const data = [EXAMPLES.classify, { image, label: 'a' }] as never;
    expect(await refusal(() => api.evaluate(models.classify, data))).toMatch(message);
  }
});

test.each([
  [[1, 2], /^data: classes: expected names, got 1/],
  [['a', 'a'], /^data: classes: expected each name once, got "a" again/],
  [['a', ''], /^data: classes: expected names, got ""/],
  ['ab', /^data: classes: expected a list of names, got "ab"/],
  [undefined, /^data: classes: expected a list of names, got none/],
])('train refuses the classes %j', async (classes, message) => {
  const data = { classes, training: [{ image: IMAGE_4X4, label: 0 }] };
  const options = { folder: `${folder}/never`, data } as never;
  expect(await refusal(() => api.train('classify', options))).toMatch(message);
});

const near = (call: () => unknown, unknown: string, nearest: string) =>
  [unknown, call, new RegExp(`, got ${unknown}; nearest: ${nearest}$`)] as const;
const wrong = (value: unknown): never => value as never;
const LAYOUT = { kind: 'detection', splits: {} } as never;
const never = (): string => `${folder}/never`;

test.each<readonly [string, () => unknown, RegExp]>([
  near(() => api.loadModel('none', wrong({ scor: 1 })), 'scor', 'score'),
  near(() => api.loadModel('none', wrong({ engine: { thread: 1 } })), 'thread', 'threads'),
  near(() => api.openEngine(wrong({ providers: 'cuda' })), 'providers', 'provider'),
  near(() => models.detect.predict(IMAGE_4X4, wrong({ scor: 0.5 })), 'scor', 'score'),
  near(() => models.segment.predict(IMAGE_4X4, wrong({ tiles: {} })), 'tiles', 'tile'),
  near(() => api.evaluate(models.classify, 'x', wrong({ limits: 3 })), 'limits', 'limit'),
  near(() => api.train('classify', wrong({ folder: never(), stepss: 1 })), 'stepss', 'steps'),
  near(() => api.draw(wrong(RESULT), IMAGE, wrong({ minscore: 1 })), 'minscore', 'minScore'),
  near(() => api.toYolo(wrong(RESULT), wrong({ mask: true })), 'mask', 'masks'),
  near(() => api.toCoco(wrong(RESULT), wrong({ imageid: 1 })), 'imageid', 'imageId'),
  near(() => api.exportOnnx('none', wrong({ out: out(), opsets: 20 })), 'opsets', 'opset'),
  near(() => api.loadDetector('none', wrong({ whihc: 'model' })), 'whihc', 'which'),
  near(() => api.loadClassifier('none', wrong({ bakbone: {} })), 'bakbone', 'backbone'),
  near(() => api.loadSegmenter('none', wrong({ classnames: [] })), 'classnames', 'classNames'),
  near(() => api.loadWeights('none', [], wrong({ exception: [] })), 'exception', 'exceptions'),
  near(() => api.convertWeights('none', 'x', wrong({ schema: 'hf' })), 'schema', 'scheme'),
  near(() => api.checkData(LAYOUT, wrong({ image: 'none' })), 'image', 'images'),
  near(() => api.loadDetectionSplit(LAYOUT, 'val', wrong({ limits: 1 })), 'limits', 'limit'),
  near(() => api.loadSegmentationSplit(LAYOUT, 'val', wrong({ limits: 1 })), 'limits', 'limit'),
  near(() => api.readImageNet('none', wrong({ splits: 'val' })), 'splits', 'split'),
  near(() => api.decodeImage('none', wrong({ maxPixel: 1 })), 'maxPixel', 'maxPixels'),
  near(() => api.readAnnotations('none', api.refuseLoss, wrong({ mask: 1 })), 'mask', 'masks'),
  near(() => api.detectLayout('.', wrong({ valfraction: 1 })), 'valfraction', 'valFraction'),
  ['which', () => api.loadDetector('none', { which: wrong('ema') }), /^which: .*model_ema, got/],
  ['upright', () => api.decodeImage('none', { upright: wrong(1) }), /^upright: .* got 1$/],
  [
    'device',
    () => api.openEngine(wrong({ device: 'cuda' })),
    /^engine: expected one of kind, prov/,
  ],
  [
    'kind',
    () => api.loadModel('none', wrong({ engine: { kind: 'x' } })),
    /^engine.kind: .*got "x"/,
  ],
  ['threads', () => api.openEngine({ threads: -1 }), /^engine.threads: .* number from 0, got -1$/],
  ['threads', () => api.openEngine({ threads: wrong('2') }), /^engine.threads: .*, got "2"$/],
  ['prepare', () => api.openEngine(wrong({ prepare: 1 })), /^openEngine: expected an engine/],
  ['tta', () => api.loadModel('none', { tta: wrong('yes') }), /^tta: .*true or false, got "yes"$/],
  ['backbone', () => api.loadModel('none', { backbone: wrong({}) }), /^backbone: .*specs/],
  ['score', () => models.detect.predict(IMAGE, { score: wrong('0.5') }), /^score: .*got "0.5"$/],
  ['score', () => models.detect.predict(IMAGE, { score: wrong(null) }), /^score: .*got null$/],
  ['signal', () => models.detect.predict(IMAGE, { signal: wrong(3) }), /^signal: .*AbortSignal/],
  ['call', () => models.detect.predict(IMAGE, wrong(null)), /^predict: .* of options, got null$/],
  [
    'call',
    () => models.classify.predict(IMAGE, wrong([])),
    /^predict: .* of options, got an Array/,
  ],
  ['images', () => models.classify.logits(wrong(3)), /^logits: expected preprocessed images/],
  [
    'bytes',
    () => models.classify.logits({ shape: [1, 1, 1, 3], data: new Uint8Array(3) }),
    /^logits: expected float32 .*got a Uint8Array of \[1, 1, 1, 3\]$/,
  ],
  [
    'the length',
    () => models.classify.logits({ shape: [1, 2, 1, 3], data: new Float32Array(3) }),
    /^logits: expected 6 values, got 3$/,
  ],
  [
    'split',
    () => api.evaluate(models.classify, 'x', { split: wrong('test') }),
    /train or val, got/,
  ],
  [
    'steps',
    () => api.train('classify', { folder: never(), steps: wrong(null) }),
    /^train: steps: /,
  ],
  ['backbone', () => api.train('detect', { folder: never(), backbone: wrong(null) }), /got null$/],
  ['engine', () => api.train('detect', { folder: never(), engine: wrong(3) }), /^openEngine: /],
  [
    'classes',
    () => api.train('detect', { folder: never(), classes: ['a', 'a'] }),
    /different names/,
  ],
  ['a class', () => api.toYolo(wrong({ ...RESULT, task: 'classify', classes: [] })), /no boxes$/],
  [
    'tile',
    () => models.detect.predict(IMAGE, { tile: wrong({ siz: 96 }) }),
    /got siz; nearest: size$/,
  ],
  ['set', () => api.train('detect', { folder: never(), set: wrong([3]) }), /set: .* list of texts/],
  [
    'note',
    () => api.train('detect', { folder: never(), listener: wrong({ note: 3 }) }),
    /listener:/,
  ],
  [
    'data',
    () => api.train('detect', { folder: never(), data: wrong({ training: [], x: 1 }) }),
    /got x;/,
  ],
  ['ranks', () => api.evaluate(models.classify, 'x', { communicator: wrong({}) }), /communicator:/],
])('the option %s is refused before anything is opened', async (_, call, message) => {
  expect(await refusal(call)).toMatch(message);
});

test('train with an aborted signal does nothing', async () => {
  const reason = new Error('no longer wanted');
  const options = { folder: never(), data: 'none', signal: AbortSignal.abort(reason) };
  await expect(api.train('classify', options)).rejects.toBe(reason);
  expect(existsSync(never())).toBe(false);
});
