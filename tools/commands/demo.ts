import type { Command } from 'commander';
import { wholeNumber } from '../engine-options.js';
import { log } from '../output.js';

interface Flags {
  readonly out: string;
  readonly images: number;
  readonly epochs: number;
}

/** `convnextv2 demo` */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description(
      'generate images, train a small classifier on them, score it and predict: about two minutes',
    )
    .option('--out <dir>', 'folder of the demo', 'runs/demo')
    .option('--images <n>', 'training images a class', wholeNumber('--images'), 80)
    .option('--epochs <n>', 'epochs', wholeNumber('--epochs'), 16)
    .action((flags: Flags) => run(flags));
}

async function run({ out, images, epochs }: Flags): Promise<void> {
  const { rmSync } = await import('node:fs');
  const { join } = await import('node:path');
  const { SHAPE_CLASSES, writeShapeClasses } = await import('../../datasets/shape-classes.js');
  const { startTraining } = await import('../train/index.js');
  const [data, folder] = [join(out, 'data'), join(out, 'run')];
  rmSync(out, { recursive: true, force: true });
  log(`1. Generating ${SHAPE_CLASSES.join(', ')}: class folders as for your own images …`);
  const count = writeShapeClasses(data, {
    trainPerClass: images,
    valPerClass: 20,
    sizePx: 96,
    seed: 0,
  });
  log(`   ${count} images in ${data}`);
  log('2. Training ConvNeXt V2 Atto from scratch. With your own folders:');
  log('   npx convnextv2 train classify --data DIR --out RUN');
  const result = await startTraining('classify', {
    data,
    out: folder,
    seed: 0,
    set: [
      `epochs=${epochs}`,
      'evaluateEvery=4',
      'training.inputSize=64',
      'training.crop.scale=[0.7,1]',
      'evaluation.inputSize=64',
      'evaluation.cropFraction=1',
      'batchSize=24',
    ],
    engine: { kind: 'compiled', provider: 'cpu', threads: 0, spinning: false },
  });
  const top1 = result.metrics?.['top1'] ?? 0;
  log(
    `3. Held-out images classified correctly: ${(100 * top1).toFixed(1)} % (guessing: ${(100 / SHAPE_CLASSES.length).toFixed(1)} %)`,
  );
  log('4. Predicting one image of each class. With your own images:');
  log(`   npx convnextv2 predict ${folder} IMAGE…`);
  await predict(
    folder,
    SHAPE_CLASSES.map((name) => join(data, 'val', name, '0000.png')),
  );
}

async function predict(model: string, files: readonly string[]): Promise<void> {
  const { locateModel } = await import('../model/locate.js');
  const { predictFiles } = await import('../predict/index.js');
  await predictFiles(await locateModel(model), {
    files,
    top: 1,
    score: 0,
    engine: { kind: 'compiled', provider: 'cpu', threads: 0, spinning: false },
  });
}
