import type { Command } from 'commander';
import type { EngineFlags } from '../engine-options.js';
import { addEngineOptions, engineOptions, wholeNumber } from '../engine-options.js';
import { log, printJson } from '../output.js';

interface Flags extends EngineFlags {
  readonly out?: string;
  readonly top: number;
  readonly classes?: string;
  readonly size?: number;
  readonly ema?: boolean;
  readonly cache?: string;
  readonly json?: boolean;
}

/** `convnextv2 predict` */
export function registerPredict(program: Command): void {
  addEngineOptions(program.command('predict').description('classify image files'))
    .argument(
      '<model>',
      'run folder, checkpoint or weight file, or official name (tiny.fcmae_ft_in1k)',
    )
    .argument('<images...>', 'JPEG or PNG files, or folders of them')
    .option('--out <dir>', 'also write predictions.json there')
    .option('--top <n>', 'classes to show', wholeNumber('--top'), 5)
    .option('--classes <file>', 'class names, for weight files without (JSON or one a line)')
    .option(
      '--size <px>',
      'side of the input, for weight files that do not say it',
      wholeNumber('--size'),
    )
    .option('--ema', 'use the moving average of the weights', false)
    .option('--cache <dir>', 'folder of pulled weights')
    .option('--json', 'print one JSON document')
    .action((model: string, images: string[], flags: Flags) => run(model, images, flags));
}

async function run(model: string, images: readonly string[], flags: Flags): Promise<void> {
  const { listImages } = await import('../images.js');
  const files = listImages(images);
  const { openClassifier } = await import('../model.js');
  const opened = await openClassifier(model, {
    ...(flags.ema ? { which: 'model_ema' as const } : {}),
    ...(flags.cache ? { cacheFolder: flags.cache } : {}),
    ...(flags.classes ? { classes: flags.classes } : {}),
    ...(flags.size ? { size: flags.size } : {}),
  });
  const { openEngine } = await import('../../engine/runtime/engine.js');
  const { createClassifierPredictor } = await import('../../models/classifier-predictor.js');
  const { classifyFiles } = await import('../../train/predict-images.js');
  const engine = await openEngine(engineOptions(flags));
  log(engine.description);
  const { card, file } = opened;
  const predictor = createClassifierPredictor(engine, opened, {
    inputSize: card.resize.inputSize,
    frozen: files.length > 8,
  });
  const results: object[] = [];
  for await (const { file: image, width, height, top } of classifyFiles(
    files,
    predictor,
    card,
    flags.top,
  )) {
    const named = top.map(({ classIndex, probability }) => ({
      classIndex,
      name: card.classNames[classIndex],
      probability,
    }));
    results.push({ file: image, width, height, top: named });
    if (!flags.json) {
      console.log(image);
      named.forEach(({ name, probability }) =>
        console.log(`  ${(100 * probability).toFixed(1).padStart(5)} %  ${name}`),
      );
    }
  }
  await predictor.release();
  const document = { model: file, predictions: results };
  if (flags.json) printJson(document);
  if (flags.out) {
    const { mkdirSync } = await import('node:fs');
    const { join } = await import('node:path');
    const { writeJsonAtomically } = await import('../../weights/files/atomic.js');
    mkdirSync(flags.out, { recursive: true });
    await writeJsonAtomically(join(flags.out, 'predictions.json'), document);
    log(`wrote ${join(flags.out, 'predictions.json')}`);
  }
}
