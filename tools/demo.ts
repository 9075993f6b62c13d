import type { Command } from 'commander';
import { shellWord } from '../core/shell-word.js';
import type { ImageModel } from '../inference/model.js';
import { aboveZero, wholeNumber } from './engine-options.js';
import { formatTable, log, print } from './output.js';
import { waitsFor } from './waiting.js';

interface Flags {
  readonly out: string;
  readonly images: number;
  readonly epochs: number;
}

/** Number of held-out images, and of drawn ones. */
const NUM_HELD_OUT = 40;
const NUM_DRAWN = 8;
/**
 * Settings for six classes in a few minutes (docs/little-data.md): five times the objects an image, twice the RoIs for them, a
 * small mask head for the time that these take, twice the steps of one image each, a higher rate, a larger picture for the
 * evaluation, which is a separate step.
 */
const SETTINGS = [
  ...['batchSize=1', 'lr=1.5e-3', 'training.copyPaste=4'],
  ...['detector.stages.0.sampler.numSamples=128', 'detector.masks.numConvs=2'],
  ...['evaluation.limits={"long":400,"short":280}'],
  ...['evaluateEvery=100', 'checkpointEvery=100'],
];
/** Objects that a network learns from scratch in minutes; `data shapes` without `--plain` makes harder ones. */
const PICTURES = { minObjects: 4, maxObjects: 10, plain: true } as const;

/** Folders of a demo below its own, and the file that says that it is one. */
const PARTS = ['data', 'run', 'scores', 'pictures'] as const;
const MARK = 'demo.json';

/** `convnextv2 demo` */
export function defineDemo(verb: Command): void {
  verb
    .option('--out <dir>', 'folder of the demo', 'runs/demo')
    .option('--images <n>', 'training images', wholeNumber('--images'), 600)
    .option('--epochs <n>', 'passes over the images', aboveZero('--epochs'), 2.3)
    .action((flags: Flags) => run(flags));
}

async function run({ out, images, epochs }: Flags): Promise<void> {
  const { join } = await import('node:path');
  const [data, folder, pictures] = ['data', 'run', 'pictures'].map((name) => join(out, name));
  await clearDemo(out, { images, epochs });
  await generate(data, images);
  await train(data, folder, epochs);
  await score(data, folder, join(out, 'scores'));
  await draw(join(data, 'val'), folder, pictures);
}

/**
 * Removes what an earlier demo left in its folder, or marks a new one.
 *
 * @throws OutputError if the folder holds anything else, which stays
 */
export async function clearDemo(
  out: string,
  about: Pick<Flags, 'images' | 'epochs'>,
): Promise<void> {
  const { existsSync, readdirSync, rmSync } = await import('node:fs');
  const { join } = await import('node:path');
  const { OutputError } = await import('../core/errors.js');
  const { assertWritableFolder } = await import('../io/files/out-folder.js');
  const { writeAtomicallySync } = await import('../io/files/atomic.js');
  assertWritableFolder(out);
  const [other] = existsSync(out) && !existsSync(join(out, MARK)) ? readdirSync(out) : [];
  if (other !== undefined)
    throw new OutputError(
      `--out ${out}: expected a new or empty folder, or one of an earlier demo, which is made anew, got one with other files (${other}); choose another`,
    );
  writeAtomicallySync(join(out, MARK), `${JSON.stringify(about)}\n`);
  for (const part of PARTS) rmSync(join(out, part), { recursive: true, force: true });
}

async function generate(data: string, images: number): Promise<void> {
  const { SHAPES_DEFAULTS, writeShapes } = await import('../datasets/shapes/write.js');
  const { SHAPE_CATEGORIES } = await import('../datasets/shapes/annotations.js');
  const { width, height } = SHAPES_DEFAULTS;
  const names = SHAPE_CATEGORIES.map(({ name }) => name).join(', ');
  log(`1. Generating ${images} + ${NUM_HELD_OUT} pictures of ${width} x ${height} with ${names} …`);
  await writeShapes(data, { ...SHAPES_DEFAULTS, ...PICTURES, train: images, val: NUM_HELD_OUT });
  log(`   ${data}: COCO annotations, as your own set may have; look at it with`);
  log(`   npx convnextv2 data browse ${shellWord(data)} --out browse.html`);
}

async function train(data: string, folder: string, epochs: number): Promise<void> {
  const { train } = await import('../train/train.js');
  const { ProgressView } = await import('./progress/view.js');
  log('2. Training a Mask R-CNN on ConvNeXt V2 Atto from scratch. With your own set:');
  log('   npx convnextv2 train detect --data DIR --out RUN');
  log('   or, from pretrained weights, which needs far less data:');
  log('   npx convnextv2 train detect-finetune --data DIR --weights tiny.fcmae_ft_in1k --out RUN');
  await train('detect', {
    data,
    folder,
    seed: 0,
    epochs,
    set: SETTINGS,
    listener: new ProgressView(process.stderr, { waits: waitsFor }),
  });
}

async function score(data: string, folder: string, out: string): Promise<void> {
  const { evaluationReport } = await import('../train/evaluate.js');
  log(`3. Scoring it on the ${NUM_HELD_OUT} pictures that it has not seen. With your own run:`);
  log('   npx convnextv2 eval RUN --data DIR --per-category');
  const model = await opened(folder);
  const { table } = await evaluationReport(model, data, { out, onNotice: log });
  await model.release();
  print(formatTable(table));
  log(
    '   AP50: average precision where half of box or mask must be right; AP asks for more, up to 95 %.',
  );
}

async function draw(held: string, folder: string, pictures: string): Promise<void> {
  const { readdirSync } = await import('node:fs');
  const { join } = await import('node:path');
  const { predictFiles } = await import('../train/predict-files.js');
  log(`4. Drawing what it finds in ${NUM_DRAWN} of them. With your own pictures:`);
  log(`   npx convnextv2 predict ${shellWord(folder)} IMAGE… --out DIR`);
  const files = readdirSync(held).sort().slice(0, NUM_DRAWN);
  const model = await opened(folder);
  const paths = files.map((name) => join(held, name));
  await predictFiles(model, paths, { out: pictures, onNotice: log });
  await model.release();
  log(`Done: open ${join(pictures, files[0])}`);
}

async function opened(folder: string): Promise<ImageModel> {
  const { openModel } = await import('./open-model.js');
  return openModel(folder, { engine: {} }, NUM_HELD_OUT);
}
