import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SMALL_RECIPES } from '../helpers/small-recipes.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';
import { checkpointValues, cli, installedMpis } from './ranks.js';

const STEPS = 10;
/** Of losses and weights: what the order of additions may change. */
const TOLERANCE = 1e-5;

const MPIS = installedMpis();
const root = mkdtempSync(join(tmpdir(), 'convnextv2-mpi-'));
const shapes = join(root, 'shapes');
const classes = writeTinyClasses({ classes: 3, perClass: 16 });
afterAll(() => [root, classes].forEach((folder) => rmSync(folder, { recursive: true })));
beforeAll(() =>
  cli(undefined, 1, [
    ...['data', 'shapes', '--out', shapes, '--train', '20', '--val', '2', '--labels'],
    ...['--width', '64', '--height', '64', '--min-objects', '1', '--max-objects', '4'],
  ]),
);

const EVERYWHERE = ['logEvery=1', 'workers=1', 'accumulation=1', 'clipNorm=1'];

/** A recipe at tiny size, with all its random parts that do not pair or pad the images of a batch. */
interface Case {
  readonly recipe: string;
  readonly data: () => string;
  readonly settings: readonly string[];
}

const CASES: Readonly<Record<string, Case>> = {
  classification: {
    recipe: SMALL_RECIPES.classify.recipe,
    data: () => classes,
    settings: [
      ...SMALL_RECIPES.classify.settings,
      ...['dropPathRate=0.2', 'emaDecay=0.9', 'warmupEpochs=0'],
    ],
  },
  'Mask R-CNN': {
    recipe: SMALL_RECIPES.detect.recipe,
    data: () => shapes,
    settings: [
      ...SMALL_RECIPES.detect.settings,
      'dropPathRate=0.2',
      // Few proposals, all of which are used: of hundreds with nearly equal scores the last bit decides which are drawn.
      'detector.rpn.trainProposals.maxPerImage=8',
    ],
  },
  UPerNet: {
    recipe: SMALL_RECIPES.segment.recipe,
    data: () => join(shapes, 'segment.yaml'),
    settings: [...SMALL_RECIPES.segment.settings, 'dropPathRate=0.2', 'warmup.steps=0'],
  },
  FCMAE: {
    recipe: 'fcmae-atto',
    data: () => classes,
    settings: [
      ...['fcmae.backbone.depths=[1,1,1,1]', 'fcmae.backbone.dims=[8,16,24,32]'],
      ...['fcmae.decoder.channels=16', 'training.inputSize=64', 'evaluation.inputSize=64'],
      ...['warmupEpochs=0', 'baseLr=0.064'],
    ],
  },
};

interface TrainLine {
  readonly kind: string;
  readonly losses: Readonly<Record<string, number>>;
}

function trainLines(run: string): readonly TrainLine[] {
  const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n');
  return lines.map((line) => JSON.parse(line) as TrainLine).filter(({ kind }) => kind === 'train');
}

const trainArgs = ({ recipe, data, settings }: Case, out: string, batch: number): string[] => [
  ...['train', recipe, '--data', data(), '--out', out, '--steps', String(STEPS)],
  ...['--threads', '1', '--seed', '4'],
  ...[...settings, ...EVERYWHERE, `batchSize=${batch}`].flatMap((s) => ['--set', s]),
];

/** `|a − b| / |a|` over all numbers. */
function relativeDistance(a: Float32Array, b: Float32Array): number {
  let [difference, size] = [0, 0];
  a.forEach((value, i) => {
    difference += (value - b[i]) ** 2;
    size += value ** 2;
  });
  return Math.sqrt(difference / Math.max(size, 1e-30));
}

describe.each(Object.entries(CASES))('%s', (name, recipe) => {
  const alone = join(root, `${name}-alone`);
  beforeAll(() => cli(undefined, 1, trainArgs(recipe, alone, 4)));

  test.each(MPIS)(`2 ranks × batch 2 are 1 rank × batch 4 with $name`, async (mpi) => {
    const together = join(root, `${name}-${mpi.name}`);
    await cli(mpi, 2, trainArgs(recipe, together, 2));
    const [expected, actual] = [trainLines(alone), trainLines(together)];
    expect(actual.length).toBe(STEPS);
    expected.forEach(({ losses }, step) => {
      for (const [term, value] of Object.entries(losses)) {
        const distance = Math.abs(actual[step].losses[term] - value) / Math.max(value, 1e-3);
        expect(distance, `${term} of step ${step + 1}`).toBeLessThan(TOLERANCE);
      }
    });
    expect(expected[0].losses['loss']).not.toBe(expected[STEPS - 1].losses['loss']);
    const [a, b] = [await checkpointValues(alone, STEPS), await checkpointValues(together, STEPS)];
    expect([...b.keys()]).toEqual([...a.keys()]);
    const joined = (values: ReadonlyMap<string, Float32Array>): Float32Array =>
      Float32Array.from(
        [...values].filter(([path]) => !path.includes('moment')).flatMap(([, v]) => [...v]),
      );
    const distance = relativeDistance(joined(a), joined(b));
    console.log(`${name}, ${mpi.name}: weights differ by ${distance.toExponential(1)}`);
    expect(distance).toBeLessThan(TOLERANCE);
  });
});
