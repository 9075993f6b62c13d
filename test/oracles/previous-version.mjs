// Makes test/fixtures/previous-version: small runs of every task as version 0.1.0, commit 938da7a, left them, and what that version
// predicted, scored and trained further from them.
//
//     node test/oracles/previous-version.mjs PATH/OF/0.1.0/dist/tools/cli.js FOLDER
//
// Only the previous version can make them again: a change that moves these numbers is a change of what users' runs give. Images are ours:
// `data shapes --plain` for detection and segmentation, colored gradients for classes and pre-training.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PNG } from 'pngjs';

const [program, folder] = process.argv.slice(2).map((path) => resolve(path));
if (!program || !folder) throw new Error('usage: previous-version.mjs CLI.js FOLDER');

mkdirSync(folder, { recursive: true });
const scratch = join(folder, 'scratch');

/** Runs in the folder, so that the recorded paths are relative to it. */
function convnextv2(...args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

const set = (settings) => settings.flatMap((setting) => ['--set', setting]);
const BACKBONE = ['depths=[1,1,1,1]', 'dims=[4,4,8,8]'];
const backbone = (at) => BACKBONE.map((setting) => `${at}.${setting}`);
const MANY = 1_000_000;
const EVERY = ['logEvery=1', 'keepCheckpoints=1', 'workers=1'];
const RUNS = {
  classify: {
    recipe: 'classify',
    data: 'data/classes',
    steps: 40,
    settings: [
      ...[...backbone('backbone'), 'training.inputSize=32', 'evaluation.inputSize=32'],
      ...['batchSize=4', 'epochs=200', 'warmupEpochs=1', 'lr=0.004', 'emaDecay=0.9'],
      ...[`evaluateEvery=${MANY}`, `checkpointEvery=${MANY}`],
    ],
  },
  detect: {
    recipe: 'detect',
    data: 'data/shapes',
    steps: 600,
    settings: [
      ...[...backbone('backbone'), 'detector.channels=8', 'detector.masks.numConvs=1'],
      ...['numConvs=1', 'numFcs=1', 'fcChannels=8'].map((s) => `detector.stages.0.layers.${s}`),
      ...['training.scales.shortSides=[64]', 'training.scales.longSide=96'],
      ...['training.scales.crop.shortSides=[64]', 'training.scales.crop.sides=[64,96]'],
      ...['evaluation.limits.long=96', 'evaluation.limits.short=64', 'lr=0.004'],
      ...['epochs=300', 'warmup.steps=20', `evaluateEvery=${MANY}`, `checkpointEvery=${MANY}`],
    ],
  },
  segment: {
    recipe: 'segment-finetune',
    data: 'data/bands/data.yaml',
    steps: 60,
    settings: [
      ...[
        ...backbone('backbone'),
        'backbone.initialWeights=fanIn',
        'head.channels=4',
        'head.auxiliary.channels=4',
      ],
      ...['geometry.cropSize=64', 'geometry.scale.short=64', 'geometry.ratio=[1,1.5]'],
      ...[
        'evaluation.limits.long=96',
        'evaluation.limits.short=64',
        'lr=0.01',
        'steps=100',
        'warmup.steps=5',
      ],
      ...['batchSize=2', `evaluateEverySteps=${MANY}`, `checkpointEverySteps=${MANY}`],
    ],
  },
  pretrain: {
    recipe: 'fcmae-atto',
    data: 'data/classes',
    steps: 10,
    settings: [
      ...[...backbone('fcmae.backbone'), 'fcmae.decoder.channels=2', 'fcmae.decoder.depth=1'],
      ...['training.inputSize=64', 'evaluation.inputSize=64', 'batchSize=4', 'accumulation=2'],
      ...['epochs=200', 'warmupEpochs=1', 'numPictures=1'],
      ...[`evaluateEvery=${MANY}`, `checkpointEvery=${MANY}`],
    ],
  },
};

writeClasses();
writeBands();
const size = ['--width', '96', '--height', '64', '--min-objects', '1', '--max-objects', '3'];
const numbers = ['--train', '6', '--val', '3', '--seed', '7', '--format', 'jpeg'];
convnextv2('data', 'shapes', '--out', 'data/shapes', '--plain', ...size, ...numbers);

const expected = { version: '0.1.0', commit: '938da7a', tasks: {} };
for (const [task, run] of Object.entries(RUNS)) expected.tasks[task] = record(task, run);
writeFileSync(join(folder, 'expected.json'), `${JSON.stringify(expected, null, 1)}\n`);
rmSync(scratch, { recursive: true });

/** Trains a run, keeps of it what later versions must read, and notes what this version makes of it. */
function record(task, { recipe, data, steps, settings }) {
  const start = ['train', recipe, ...set([...EVERY, ...settings]), '--seed', '3', '--data', data];
  const common = ['--threads', '1', '--no-report'];
  convnextv2(...start, ...common, '--out', task, '--steps', String(steps));
  const name = `step-${String(steps).padStart(8, '0')}`;
  const kept = new Set([
    'config.json',
    'checkpoints',
    'best.json',
    `${name}.json`,
    `${name}.safetensors`,
  ]);
  for (const at of [join(folder, task), join(folder, task, 'checkpoints')])
    for (const file of readdirSync(at))
      if (!kept.has(file)) rmSync(join(at, file), { recursive: true });
  const config = join(folder, task, 'config.json');
  const stored = JSON.parse(readFileSync(config, 'utf8'));
  expected.engine = stored.environment.engine;
  writeFileSync(config, `${JSON.stringify({ ...stored, data }, null, 1)}\n`); // no path of this machine

  const resumed = join(scratch, task);
  cpSync(join(folder, task), resumed, { recursive: true });
  const resume = ['train', recipe, '--data', data, '--out', resumed, '--resume', ...common];
  convnextv2(...resume, '--steps', String(steps + 2));
  const metrics = readFileSync(join(resumed, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const losses = metrics
    .map((line) => JSON.parse(line))
    .filter(({ kind }) => kind === 'train')
    .map(({ step, losses }) => ({ step, losses }));
  const last = join(
    resumed,
    'checkpoints',
    `step-${String(steps + 2).padStart(8, '0')}.safetensors`,
  );
  const sha256 = createHash('sha256').update(readFileSync(last)).digest('hex');
  const result = { recipe, data, steps, resumed: { losses, sha256 } };
  if (task === 'pretrain') return result;

  const flags = ['--threads', '1', '--json', ...(task === 'classify' ? ['--ema'] : [])];
  const shown = task === 'detect' ? ['--score', '0.05', '--max', '10'] : [];
  const images =
    task === 'classify'
      ? ['red', 'green', 'blue'].map((name) => `data/classes/val/${name}`)
      : [task === 'detect' ? 'data/shapes/train' : 'data/bands/images/val'];
  const predict = ['predict', task, ...images, ...flags, ...shown];
  predict.push('--out', join(scratch, `${task}-out`));
  const { predictions } = JSON.parse(convnextv2(...predict));
  if (task === 'segment')
    cpSync(join(scratch, 'segment-out/labels'), join(folder, 'labels'), { recursive: true });
  const results =
    task === 'detect' && JSON.parse(readFileSync(join(scratch, 'detect-out/results.json'), 'utf8'));
  const evaluation = JSON.parse(
    convnextv2('eval', task, '--data', data, '--split', 'train', ...flags),
  );
  return {
    ...result,
    images,
    flags,
    shown,
    predictions,
    ...(results ? { results } : {}),
    evaluation,
  };
}

/** Three classes of colored gradients, three images each to train on and one held out. */
function writeClasses() {
  for (const [split, count] of [
    ['train', 3],
    ['val', 1],
  ])
    for (const [k, name] of ['red', 'green', 'blue'].entries()) {
      const at = join(folder, 'data/classes', split, name);
      mkdirSync(at, { recursive: true });
      for (let i = 0; i < count; i++) {
        const png = new PNG({ width: 40, height: 36 + i });
        for (let p = 0; p < png.data.length / 4; p++) {
          const [x, y] = [p % 40, Math.floor(p / 40)];
          const pixel = [x * (2 + i), y * 3, (x + y) * 2];
          pixel[k] = Math.min(255, pixel[k] + 100);
          png.data.set([...pixel, 255], 4 * p);
        }
        writeFileSync(join(at, `${name}-${i}.png`), PNG.sync.write(png));
      }
    }
}

/** Bands of three colors at different places, each its own class of pixels. */
function writeBands() {
  const [width, height] = [96, 64];
  for (const [split, count] of [
    ['train', 4],
    ['val', 2],
  ]) {
    for (const kind of ['images', 'labels'])
      mkdirSync(join(folder, 'data/bands', kind, split), { recursive: true });
    for (let i = 0; i < count; i++) {
      const [image, labels] = [0, 1].map(() => new PNG({ width, height }));
      for (let p = 0; p < width * height; p++) {
        const [x, y] = [p % width, Math.floor(p / width)];
        const k = Math.floor((x + (i % 2) * y + 11 * i) / 40) % 3;
        const pixel = [x, y, x].map((value, c) => (c === k ? 200 : value % 64));
        image.data.set([...pixel, 255], 4 * p);
        labels.data.set([k, k, k, 255], 4 * p);
      }
      const write = (kind, png, options) =>
        writeFileSync(
          join(folder, 'data/bands', kind, split, `${i}.png`),
          PNG.sync.write(png, options),
        );
      write('images', image, {});
      write('labels', labels, { colorType: 0 });
    }
  }
  const lines = ['train', 'val'].map(
    (split) => `${split}: {images: images/${split}, labels: labels/${split}}`,
  );
  writeFileSync(
    join(folder, 'data/bands/data.yaml'),
    [...lines, 'classes: [red, green, blue]', ''].join('\n'),
  );
}
