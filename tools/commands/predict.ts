import type { Command } from 'commander';
import type { EngineFlags } from '../engine-options.js';
import { addEngineOptions, engineOptions, fraction, wholeNumber } from '../engine-options.js';
import { printJson } from '../output.js';
import type { PredictRequest } from '../predict/request.js';

interface Flags extends EngineFlags, Omit<PredictRequest, 'engine' | 'files'> {
  readonly task?: string;
  readonly cache?: string;
}

/** `convnextv2 predict` */
export function registerPredict(program: Command): void {
  addEngineOptions(
    program.command('predict').description('classify, detect or segment image files'),
  )
    .argument(
      '<model>',
      'run folder, checkpoint or weight file, or official name (tiny.fcmae_ft_in1k)',
    )
    .argument('<images...>', 'JPEG or PNG files, or folders of them')
    .option('--out <dir>', 'also write the results there: JSON, overlays, label maps')
    .option('--task <task>', 'classify, detect or segment, for weight files that do not say it')
    .option('--top <n>', 'classes to show (classify)', wholeNumber('--top'), 5)
    .option('--score <share>', 'least score to show (detect)', fraction('--score'), 0.3)
    .option('--max <n>', 'most detections of an image (detect)', wholeNumber('--max'))
    .option('--classes <file>', 'class names, for weight files without (JSON or one a line)')
    .option(
      '--size <px>',
      'side of the input, for weight files that do not say it',
      wholeNumber('--size'),
    )
    .option('--ema', 'use the moving average of the weights', false)
    .option('--tta', 'average over mirror images and scales (detect, segment)', false)
    .option('--slide', 'sliding windows instead of whole images (segment)', false)
    .option('--palette <file>', 'colours of the classes, one #rrggbb a line (segment)')
    .option('--shard <i/n>', 'only share i of n, from 0; all into the same --out')
    .option('--cache <dir>', 'folder of pulled weights')
    .option('--json', 'print one JSON document')
    .action((model: string, images: string[], flags: Flags) => run(model, images, flags));
}

async function run(model: string, images: readonly string[], flags: Flags): Promise<void> {
  const { listImages } = await import('../images.js');
  const files = listImages(images);
  const { locateModel } = await import('../model/locate.js');
  const { predictFiles } = await import('../predict/index.js');
  const { joinRanks } = await import('../distributed.js');
  const ranks = await joinRanks();
  try {
    const located = await locateModel(model, flags);
    const document = await predictFiles(located, {
      ...flags,
      files,
      engine: engineOptions({ ...flags, threads: flags.threads || ranks.threads }),
      communicator: ranks.communicator,
    });
    await ranks.finish();
    if (flags.json && ranks.communicator.rank === 0) printJson(document);
  } catch (error) {
    await ranks.fail(error, flags.json ?? false);
  }
}
