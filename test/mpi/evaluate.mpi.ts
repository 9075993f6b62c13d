import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SMALL_RECIPES } from '../helpers/small-recipes.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';
import { cli, installedMpis, type Mpi } from './ranks.js';

/** Odd, so that ranks have different numbers of images and of the last batch's. */
const IMAGES = 7;

const MPIS = installedMpis();
const root = mkdtempSync(join(tmpdir(), 'convnextv2-mpi-'));
const shapes = join(root, 'shapes');
const classes = writeTinyClasses({ classes: 3, perClass: 4 });
afterAll(() => [root, classes].forEach((folder) => rmSync(folder, { recursive: true })));
beforeAll(() =>
  cli(undefined, 1, [
    ...['data', 'shapes', '--out', shapes, '--train', '4', '--val', String(IMAGES), '--labels'],
    ...['--width', '64', '--height', '64', '--min-objects', '1', '--max-objects', '4'],
  ]),
);

const DATA = {
  classify: { data: classes, images: join(classes, 'val', 'class1') },
  detect: { data: shapes, images: join(shapes, 'val') },
  segment: { data: join(shapes, 'segment.yaml'), images: join(shapes, 'val') },
};

/** The one JSON document that a job prints, without what tells of time. */
async function documentOf(mpi: Mpi | undefined, args: readonly string[]): Promise<object> {
  const { output } = await cli(mpi, 2, [...args, '--json']);
  const printed = output.split('\n').filter((line) => line.startsWith('{'));
  expect(printed.length, output).toBe(1);
  const {
    seconds: _,
    imagesPerSecond: __,
    ...rest
  } = JSON.parse(printed[0]) as Record<string, unknown>;
  return rest;
}

/**
 * A classifier's batches, which differ between one process and two, choose formulas that differ by rounding; detectors and
 * segmenters take one image at a time.
 */
function upToRounding(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isInteger(value))
    return expect.closeTo(value, 6) as unknown;
  if (Array.isArray(value)) return value.map(upToRounding);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, upToRounding(item)]));
}

/** Files of a folder and what is in them, without what tells of time or of the division. */
function contents(folder: string): ReadonlyMap<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !/\.part$|^evaluation\.json$/.test(entry.name),
  );
  return new Map(
    files
      .map(({ parentPath, name }) => join(parentPath, name))
      .sort()
      .map((file) => [
        file.slice(folder.length),
        readFileSync(file, 'latin1').replace(/"(seconds|imagesPerSecond)": ?[\d.e-]+/g, ''),
      ]),
  );
}

describe.each(['classify', 'detect', 'segment'] as const)('%s', (task) => {
  const run = join(root, task);
  const { data, images } = DATA[task];
  const at = (name: string): string => join(root, `${task} ${name}`);
  const verbs = {
    eval: [
      'eval',
      run,
      '--data',
      data,
      '--batch',
      '4',
      '--workers',
      '1',
      '--limit',
      String(IMAGES),
    ],
    predict: ['predict', run, images, '--score', '0'],
  };

  beforeAll(() => {
    const { recipe, settings } = SMALL_RECIPES[task];
    return cli(undefined, 1, [
      ...['train', recipe, '--data', data, '--out', run, '--steps', '2', '--seed', '3'],
      ...[...settings, 'batchSize=2', 'workers=1', 'accumulation=1'].flatMap((s) => ['--set', s]),
    ]);
  });

  test.each(MPIS)('eval of 2 ranks prints the numbers of one process with $name', async (mpi) => {
    const alone = await documentOf(undefined, verbs.eval);
    expect(alone).toMatchObject({ count: IMAGES });
    const expected = task === 'classify' ? upToRounding(alone) : alone;
    expect(await documentOf(mpi, verbs.eval)).toEqual(expected);
  });

  test.each(MPIS)(
    'so do eval --out and predict --out, with the same files with $name',
    async (mpi) => {
      for (const verb of ['eval', 'predict'] as const) {
        const [one, two] = [at(`${verb} alone ${mpi.name}`), at(`${verb} ${mpi.name}`)];
        const alone = await documentOf(undefined, [...verbs[verb], '--out', one]);
        const together = await documentOf(mpi, [...verbs[verb], '--out', two]);
        // Of a classifier's images, rank 0 scored its own.
        const [{ scored: _, ...expected }, { scored: __, ...actual }] = [alone, together] as Record<
          string,
          unknown
        >[];
        expect(actual).toEqual(task === 'classify' ? upToRounding(expected) : expected);
        expect(contents(two)).toEqual(contents(one));
        // A classifier's evaluation leaves parts, which the scores above are of.
        expect(contents(one).size > 0).toBe(task !== 'classify' || verb === 'predict');
      }
    },
  );
});
