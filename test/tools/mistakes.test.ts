import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FIXTURES } from '../helpers/fixtures.js';
import { runInProcess } from '../helpers/in-process.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';

let folder: string;
let data: string;
let image: string;
const at = (name: string): string => join(folder, name);
const MODEL = join(FIXTURES, 'small', 'backbone_official.pth');

const json = (name: string, value: unknown): void => writeFileSync(at(name), JSON.stringify(value));
const annotation = (change: object): object => ({
  images: [{ id: 1, file_name: 'a.png', width: 40, height: 40 }],
  categories: [{ id: 1, name: 'cat' }],
  annotations: [{ id: 1, image_id: 1, category_id: 1, bbox: [0, 0, 5, 5], area: 25, iscrowd: 0 }],
  ...change,
});
function coco(name: string, change: object): void {
  for (const split of ['train', 'val']) mkdirSync(join(at(name), split), { recursive: true });
  mkdirSync(join(at(name), 'annotations'));
  for (const split of ['train', 'val'])
    writeFileSync(
      join(at(name), 'annotations', `instances_${split}.json`),
      JSON.stringify(annotation(change)),
    );
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'convnextv2-mistakes-'));
  data = writeTinyClasses({ perClass: 2 });
  image = join(data, 'val', 'class0', '0.png');
  writeFileSync(at('empty.pth'), '');
  writeFileSync(at('noise.safetensors'), Buffer.alloc(100, 7));
  writeFileSync(at('page.safetensors'), '<html>not found</html>');
  writeFileSync(
    at('pointer.pth'),
    'version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 9\n',
  );
  writeFileSync(at('broken.jpg'), Buffer.from([0xff, 0xd8, 0xff, 0xe0, 1, 2, 3]));
  writeFileSync(at('text.png'), 'no picture');
  mkdirSync(at('nothing'));
  mkdirSync(join(at('oneclass'), 'train', 'a'), { recursive: true });
  mkdirSync(join(at('oneclass'), 'train', 'empty'), { recursive: true });
  writeFileSync(join(at('oneclass'), 'train', 'a', '0.png'), '');
  mkdirSync(join(at('torn'), 'checkpoints'), { recursive: true });
  writeFileSync(join(at('torn'), 'checkpoints', 'step-00000001.safetensors'), 'abc');
  writeFileSync(join(at('torn'), 'config.json'), '{"format":');
  mkdirSync(join(at('used'), 'checkpoints'), { recursive: true });
  writeFileSync(join(at('used'), 'checkpoints', 'step-00000001.json'), '{}');
  writeFileSync(at('file'), 'a file, no folder');
  writeFileSync(at('torn.yaml'), 'lr: [1,\n');
  writeFileSync(at('key.yaml'), 'extends: classify\nbatchsize: 4\n');
  writeFileSync(at('circle.yaml'), 'extends: circle.yaml\n');
  writeFileSync(at('alone.yaml'), 'lr: 1\n');
  writeFileSync(at('classes.txt'), 'a\nb\n');
  writeFileSync(at('metrics-only.jsonl'), '');
  json('truth.json', annotation({}));
  json('results-unknown.json', [{ image_id: 99, category_id: 1, bbox: [0, 0, 1, 1], score: 0.5 }]);
  json('results-noscore.json', [{ image_id: 1, category_id: 1, bbox: [0, 0, 1, 1] }]);
  json('results.json', [{ image_id: 1, category_id: 1, bbox: [0, 0, 1, 1], score: 0.5 }]);
  json('object.json', { a: 1 });
  writeFileSync(at('torn.json'), '[{"image_id": 1,');
  coco('category', {
    annotations: [{ id: 1, image_id: 1, category_id: 7, bbox: [0, 0, 5, 5], area: 25, iscrowd: 0 }],
  });
  coco('noimages', {});
  writeFileSync(at('data.yaml'), 'trian: {}\n');
  writeFileSync(at('ranking.jsonl'), '{"file": "a", "label": 0, "logits": [1, "x"]}\n');
});
afterAll(() => [folder, data].forEach((path) => rmSync(path, { recursive: true })));

/** Arguments of `train` that are right but for what is added. */
const train = (...more: readonly string[]): string[] => [
  'train',
  'classify',
  '--data',
  data,
  '--out',
  at('r'),
  ...more,
];
const predict = (...more: readonly string[]): string[] => ['predict', MODEL, image, ...more];

type Mistake = readonly [name: string, args: () => readonly string[], message: RegExp];

const MISTAKES: Readonly<Record<string, readonly Mistake[]>> = {
  usage: [
    ['an unknown verb', () => ['trian'], /unknown command 'trian'/],
    ['an unknown option', () => predict('--nope'), /unknown option '--nope'/],
    ['an option that lacks its value', () => predict('--top'), /'--top <n>' argument missing/],
    ['a missing argument', () => ['predict', MODEL], /missing required argument 'images'/],
    [
      'a missing option',
      () => ['train', 'classify', '--data', data],
      /'--out <dir>' not specified/,
    ],
    [
      'an unknown verb below a verb',
      () => ['data', 'chekc', data],
      /unknown command 'chekc'|too many arguments/,
    ],
    [
      'text for a number',
      () => ['benchmark', '--batch', 'many'],
      /--batch: expected a whole number from 0, got many/,
    ],
    [
      'a negative number',
      () => train('--seed', '-1'),
      /--seed: expected a whole number from 0, got -1/,
    ],
    [
      'a share above one',
      () => train('--val-fraction', '1.5'),
      /--val-fraction: expected .*got 1\.5/,
    ],
    [
      'an unknown provider',
      () => predict('--provider', 'tpu'),
      /--provider: expected cpu, webgpu, cuda, openvino, got tpu/,
    ],
    [
      'an unknown backend',
      () => predict('--eager', 'torch'),
      /--eager: expected cpu, wasm or tensorflow, got torch/,
    ],
    [
      'options of ONNX Runtime beside a backend of tfjs',
      () => predict('--eager', 'cpu', '--threads', '2', '--spin'),
      /--eager cpu: expected no options of ONNX Runtime beside it, got --threads 2, --spin/,
    ],
    [
      'an unknown mode',
      () => ['benchmark', '--mode', 'both'],
      /--mode: expected infer or train, got both/,
    ],
    [
      'an unknown size',
      () => ['benchmark', '--model', 'hug'],
      /expected one of atto, .*, huge, got hug; nearest: huge$/m,
    ],
    ['an image that is too small', () => ['benchmark', '--size', '8'], /expected .*--size from 32/],
  ],
  models: [
    [
      'a misspelled official name',
      () => ['predict', 'tyni.fcmae_ft_in1k', image],
      /nearest: tiny\.fcmae_ft_in1k/,
    ],
    [
      'official weights that were not pulled',
      () => ['predict', 'atto.fcmae_ft_in1k', image, '--cache', at('cache')],
      /weights pull atto\.fcmae_ft_in1k/,
    ],
    [
      'a weight file that does not exist',
      () => ['predict', at('none.pth'), image],
      /none\.pth: expected a weight file/,
    ],
    [
      'an empty weight file',
      () => ['predict', at('empty.pth'), image],
      /empty\.pth: expected a weight file, got an empty file/,
    ],
    [
      'a damaged weight file',
      () => ['predict', at('noise.safetensors'), image],
      /noise\.safetensors/,
    ],
    [
      'a web page for weights',
      () => ['predict', at('page.safetensors'), image],
      /page\.safetensors: .*web page/,
    ],
    [
      'a pointer of Git LFS for weights',
      () => ['predict', at('pointer.pth'), image],
      /pointer\.pth: .*git lfs pull/,
    ],
    [
      'a run folder without checkpoints',
      () => ['predict', at('nothing'), image],
      /nothing: expected a run folder with checkpoints, got none/,
    ],
    [
      'a run folder with only a torn checkpoint',
      () => ['predict', at('torn'), image],
      /expected .*got none/,
    ],
    [
      'an unknown task',
      () => predict('--task', 'cook'),
      /--task: expected one of classify.*, got cook/,
    ],
    [
      'a class list of another length',
      () => predict('--classes', at('classes.txt')),
      /expected 10 class names, got 2/,
    ],
    ['a class list that does not exist', () => predict('--classes', at('none.txt')), /none\.txt/],
    [
      'weights to inspect that are none',
      () => ['weights', 'inspect', image],
      /expected safetensors or a torch file/,
    ],
    [
      'a naming scheme that is none',
      () => ['weights', 'convert', MODEL, at('o.safetensors'), '--to', 'keras'],
      /keras/,
    ],
    [
      'an official name to pull that is none',
      () => ['weights', 'pull', 'tiny.nope', '--cache', at('cache')],
      /expected an official name, got "tiny.nope"/,
    ],
  ],
  images: [
    [
      'an image that does not exist',
      () => ['predict', MODEL, at('none.jpg')],
      /none\.jpg: expected an image or a folder of images, got no such file/,
    ],
    [
      'a folder without images',
      () => ['predict', MODEL, at('nothing')],
      /nothing: expected images, got none/,
    ],
    ['a damaged image', () => ['predict', MODEL, at('broken.jpg')], /broken\.jpg/],
    ['a text that is called an image', () => ['predict', MODEL, at('text.png')], /text\.png/],
  ],
  training: [
    [
      'a misspelled recipe',
      () => ['train', 'clasify', '--data', data, '--out', at('r')],
      /got clasify; nearest: classify/,
    ],
    [
      'no data',
      () => ['train', 'classify', '--out', at('r')],
      /train: expected --data DIR, got none/,
    ],
    [
      'data that do not exist',
      () => ['train', 'classify', '--data', at('none'), '--out', at('r')],
      /none: expected/,
    ],
    [
      'a folder without images',
      () => ['train', 'classify', '--data', at('nothing'), '--out', at('r')],
      /nothing/,
    ],
    [
      'an empty class folder',
      () => ['train', 'classify', '--data', at('oneclass'), '--out', at('r')],
      /empty/,
    ],
    ['a size that is none', () => train('--model', 'giant'), /expected one of atto/],
    ['weights of another kind', () => train('--weights', at('empty.pth')), /empty\.pth/],
    ['weights that do not exist', () => train('--weights', at('none.pth')), /none\.pth/],
    [
      'a used run folder',
      () => ['train', 'classify', '--data', data, '--out', at('used')],
      /used: expected an empty or new folder, got one with checkpoints; add --resume/,
    ],
    [
      'nothing to resume',
      () => train('--resume'),
      /expected a checkpoint in .*r to resume from, got none/,
    ],
    [
      'a run whose stored configuration is torn',
      () => ['train', 'classify', '--out', at('torn'), '--resume'],
      /config\.json: expected the configuration of a run as JSON, got/,
    ],
    [
      'a detector on class folders',
      () => ['train', 'detect', '--data', data, '--out', at('r')],
      /expected images with COCO annotations|expected one of the layouts|expected/,
    ],
    [
      'a segmenter on class folders',
      () => ['train', 'segment-finetune', '--data', data, '--out', at('r')],
      /expected/,
    ],
    [
      'objects of an unknown category',
      () => ['train', 'detect', '--data', at('category'), '--out', at('r')],
      /instances_train\.json.*category_id.*7/,
    ],
    [
      'annotated images that are missing',
      () => ['train', 'detect', '--data', at('noimages'), '--out', at('r')],
      /a\.png/,
    ],
    [
      'a data.yaml with a misspelled part',
      () => ['train', 'detect', '--data', at('data.yaml'), '--out', at('r')],
      /data\.yaml: .*trian/,
    ],
  ],
  settings: [
    [
      'an unknown key',
      () => train('--set', 'lrr=1'),
      /--set lrr: expected one of .*, got lrr; nearest: lr/,
    ],
    [
      'an unknown key below',
      () => train('--set', 'training.crop.scal=[0,1]'),
      /expected one of scale, ratio, got scal; nearest: scale/,
    ],
    [
      'text for a number',
      () => train('--set', 'lr=fast'),
      /--set lr: expected a number from 0, got "fast"/,
    ],
    [
      'a fraction for a whole number',
      () => train('--set', 'batchSize=1.5'),
      /--set batchSize: expected a whole number from 1, got 1\.5/,
    ],
    [
      'a number out of range',
      () => train('--set', 'labelSmoothing=2'),
      /--set labelSmoothing: expected a number from 0 to 1, got 2/,
    ],
    [
      'a list that is too short',
      () => train('--set', 'backbone.dims=1,2,3'),
      /expected a list of 4, got 3/,
    ],
    [
      'a word that is none of some',
      () => train('--set', 'evaluation.mode=corp'),
      /expected one of crop, warp, got "corp"; nearest: crop/,
    ],
    [
      'another kind without its fields',
      () => train('--set', 'optimizer.kind=sgd'),
      /optimizer\.momentum: expected a value, got none/,
    ],
    ['a setting without a value', () => train('--set', 'lr'), /--set: expected path=value, got lr/],
    [
      'a warm-up longer than the run',
      () => train('--set', 'warmupEpochs=99'),
      /warmupEpochs: expected at most epochs/,
    ],
    [
      'a file that does not exist',
      () => train('--config', at('none.yaml')),
      /none\.yaml: .*got no such file/,
    ],
    [
      'a file that does not parse',
      () => train('--config', at('torn.yaml')),
      /torn\.yaml:\d+: expected YAML or JSON/,
    ],
    [
      'a misspelled key in a file',
      () => train('--config', at('key.yaml')),
      /key\.yaml: batchsize: .*nearest: batchSize/,
    ],
    ['files in a circle', () => train('--config', at('circle.yaml')), /got a circle/],
    [
      'a file without a recipe in place of one',
      () => ['config', 'print', at('alone.yaml')],
      /expected `extends: RECIPE`/,
    ],
    [
      'a file of another recipe',
      () => ['train', 'fcmae-atto', '--data', data, '--out', at('r'), '--config', at('key.yaml')],
      /expected it to extend fcmae-atto, got classify/,
    ],
  ],
  scores: [
    [
      'data of other classes',
      () => ['eval', MODEL, '--data', data],
      /expected the 10 classes of .*, got 3/,
    ],
    [
      'an unknown part',
      () => ['eval', MODEL, '--data', data, '--split', 'tset'],
      /--split: expected train or val, got tset/,
    ],
    [
      'results that do not exist',
      () => ['score', 'coco', '--type', 'bbox', '--gt', at('truth.json'), '--dt', at('none.json')],
      /none\.json/,
    ],
    [
      'truth that does not exist',
      () => [
        'score',
        'coco',
        '--type',
        'bbox',
        '--gt',
        at('none.json'),
        '--dt',
        at('results.json'),
      ],
      /none\.json/,
    ],
    [
      'results that are torn',
      () => ['score', 'coco', '--type', 'bbox', '--gt', at('truth.json'), '--dt', at('torn.json')],
      /torn\.json/,
    ],
    [
      'results that are no list',
      () => [
        'score',
        'coco',
        '--type',
        'bbox',
        '--gt',
        at('truth.json'),
        '--dt',
        at('object.json'),
      ],
      /object\.json/,
    ],
    [
      'results without a score',
      () => [
        'score',
        'coco',
        '--type',
        'bbox',
        '--gt',
        at('truth.json'),
        '--dt',
        at('results-noscore.json'),
      ],
      /score/,
    ],
    [
      'results of unknown images',
      () => [
        'score',
        'coco',
        '--type',
        'bbox',
        '--gt',
        at('truth.json'),
        '--dt',
        at('results-unknown.json'),
      ],
      /99/,
    ],
    [
      'an unknown type',
      () => [
        'score',
        'coco',
        '--gt',
        at('truth.json'),
        '--dt',
        at('results.json'),
        '--type',
        'box',
      ],
      /--type: expected bbox, segm or keypoints, got box/,
    ],
    [
      'masks where there are none',
      () => [
        'score',
        'coco',
        '--gt',
        at('truth.json'),
        '--dt',
        at('results.json'),
        '--type',
        'segm',
      ],
      /segmentation|mask/,
    ],
    [
      'truth without label maps',
      () => ['score', 'ade20k', '--gt', at('nothing'), '--dt', at('nothing')],
      /nothing/,
    ],
    [
      'logits that are no numbers',
      () => ['score', 'imagenet', '--dt', at('ranking.jsonl')],
      /ranking\.jsonl/,
    ],
  ],
  tools: [
    ['data to check that do not exist', () => ['data', 'check', at('none')], /none/],
    [
      'a generated set in a used folder',
      () => ['data', 'shapes', '--out', data],
      /expected .*empty/,
    ],
    [
      'a picture format that is none',
      () => ['data', 'shapes', '--out', at('s'), '--format', 'gif'],
      /--format: expected png or jpeg, got gif/,
    ],
    [
      'a folder that is no run',
      () => ['analyze', 'logs', at('nothing')],
      /nothing: expected a run folder with metrics\.jsonl/,
    ],
    ['FLOPs of no model', () => ['analyze', 'flops', 'giant'], /giant/],
    [
      'FLOPs of a tiny image',
      () => ['analyze', 'flops', 'atto', '--size', '8'],
      /--size: expected 32 pixels or more/,
    ],
  ],
};

describe('a mistake ends with exit code 2 and one line that says what was expected', () => {
  for (const [group, mistakes] of Object.entries(MISTAKES))
    test.each(mistakes)(`${group}: %s`, async (_, args, message) => {
      const { code, stderr, stdout } = await runInProcess(args());
      expect(stderr).toMatch(message);
      expect(code).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).not.toMatch(/\n\s+at /); // no stack trace
      const lines = stderr.trim().split('\n');
      expect(lines.filter((line) => /^(\w*Error|error): /.test(line)).length).toBe(1);
    });

  test('there are sixty of them or more, and none leaves a run behind', () => {
    expect(Object.values(MISTAKES).flat().length).toBeGreaterThanOrEqual(60);
    expect(readdirSync(folder)).not.toContain('r');
  });
});

test('with --json a mistake is one document on standard output', async () => {
  const { code, stdout } = await runInProcess(['predict', MODEL, at('broken.jpg'), '--json']);
  expect(code).toBe(2);
  const { error } = JSON.parse(stdout) as {
    error: { code: string; message: string; file: string };
  };
  expect(error).toMatchObject({ code: 'DataError', file: at('broken.jpg') });
});

test('a run folder inside a file is refused before any work; folders that may not be written: read-only.test.ts', async () => {
  const out = join(at('file'), 'run');
  const args = ['train', 'classify', '--data', data, '--out', out, '--steps', '1'];
  const { code, stderr } = await runInProcess(args);
  expect(stderr).toContain(`--out ${out}: expected a folder, got the file ${at('file')}`);
  expect(code).toBe(2);
});
