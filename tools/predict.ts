import { statSync } from 'node:fs';
import { resolve, sep } from 'node:path';
import type { Command } from 'commander';
import { oneLine } from '../core/controls.js';
import { OptionError } from '../core/errors.js';
import type { PredictTask } from '../inference/model.js';
import { isRun } from '../io/files/run-mark.js';
import { leadsInto } from '../io/files/inside.js';
import type { LabelFormat } from '../train/label-files.js';
import { engineOptions, fraction, wholeNumber } from './engine-options.js';
import { fitting } from './fitting-option.js';
import { addImageOptions, type PredictFlags } from './model-options.js';
import { RARE } from './help.js';
import { log, printBlocks, printJsonRows } from './output.js';
import { waitsFor } from './waiting.js';

/** Folder of pictures without `--out`, and the largest number of images that are drawn there. */
const DRAWN = 'predictions';
const MOST_DRAWN = 16;

/** Default of `--top`. */
const TOP = 5;

/** `convnextv2 predict` */
export function definePredict(verb: Command): void {
  verb
    .argument(
      '<model>',
      'run folder, checkpoint or weight file, or official name (tiny.fcmae_ft_in1k)',
    )
    .argument('<images...>', 'image files, or folders of them; -: an image from standard input')
    .option(
      '--out <dir>',
      `also write the results there: JSON, overlays, label maps (a few images of detectors and segmenters without --json: ${DRAWN})`,
    )
    .option('--top <n>', `classes to show (classify; default: ${TOP})`, wholeNumber('--top'))
    .option(
      '--score <fraction>',
      "least score to show (detect; default: the best F1 of the run's validation, or 0.3)",
      fraction('--score'),
    )
    .optionsGroup(RARE)
    .option(
      '--per-class-nms',
      "keep overlapping objects of different classes, as COCO's protocol does (detect)",
      false,
    )
    .option('--max <n>', 'most detections of an image (detect)', wholeNumber('--max'))
    .optionsGroup('')
    .option('--format <name>', 'also write labels for tools: coco, yolo, labelme, voc or cvat')
    .option('--watch', 'go on with images that come into the folder', false)
    .optionsGroup(RARE)
    .option('--frames <WxH>', 'raw RGB frames from standard input, a JSON line each')
    .option('--palette <file>', 'colors of the classes, one #rrggbb a line (segment)');
  addImageOptions(verb).action((model: string, images: string[], flags: PredictFlags) =>
    run(model, images, flags),
  );
}

async function run(name: string, images: readonly string[], flags: PredictFlags): Promise<void> {
  const format = await formatOf(flags);
  if (flags.watch || flags.frames !== undefined || images.includes('-')) {
    const { predictStream } = await import('./predict-stream.js');
    return predictStream(name, images, flags);
  }
  const { listImages } = await import('./images.js');
  const { files, notices } = listImages(images);
  notices.forEach(log);
  if (files.length === 1 && files[0] === images[0] && !flags.json && flags.out === undefined) {
    const { fileHeader } = await import('../io/image/file-header.js');
    await fileHeader(files[0]); // a file that is no image, before weights are pulled
  }
  const { assertWritableFolder } = await import('../io/files/out-folder.js');
  const { openModel } = await import('./open-model.js');
  const { predictFiles } = await import('../train/predict-files.js');
  const { joinRanks } = await import('./distributed.js');
  const ranks = await joinRanks();
  try {
    if (flags.out !== undefined) {
      assertWritableFolder(flags.out);
      const around = images.find(
        (path) => statSync(path).isDirectory() && leadsInto(flags.out!, path),
      );
      if (around !== undefined)
        throw new OptionError(
          `--out ${flags.out}: expected a folder outside of ${around}, whose images are predicted`,
        );
      if (isRun(flags.out))
        throw new OptionError(`--out ${flags.out}: expected another folder, got that of a run`);
    }
    const engine = engineOptions({ ...flags, threads: flags.threads || ranks.threads });
    const model = await openModel(name, { top: TOP, ...flags, engine }, files.length);
    try {
      const { shard, json = false } = flags;
      fitting(['--top', flags.top], model.task, 'classify');
      const score = fitting(['--score', flags.score], model.task, 'detect');
      const palette = fitting(['--palette', flags.palette], model.task, 'segment');
      const out = flags.out ?? (await folderOfPictures(model.task, files, { images, json }));
      const isPrinted = json && ranks.communicator.rank === 0;
      let hasText = false;
      const { numImages, failed } = await predictFiles(model, files, {
        out,
        score,
        palette,
        format,
        shard,
        communicator: ranks.communicator,
        onNotice: (line) => {
          log(line);
          if (!hasText) waitsFor('building the graphs for the first image');
        },
        onText: (text) => {
          hasText = true;
          if (json) return;
          printBlocks(text);
        },
        onDocument: json
          ? (document) => (isPrinted ? printJsonRows(document) : Promise.resolve())
          : undefined,
      });
      await ranks.finish();
      if (failed.length > 0) {
        log(
          `predicted ${numImages} of ${numImages + failed.length} images; not the following:\n` +
            failed.map(({ message }) => `  ${oneLine(message)}`).join('\n'),
        );
        process.exitCode = 2;
      }
    } finally {
      await model.release();
    }
  } catch (error) {
    await ranks.fail(error, flags.json ?? false);
  }
}

/**
 * Folder for what a detector or segmenter sees in a few images when none was given: the current folder's `predictions`,
 * unless it cannot be written or has the images themselves.
 */
async function folderOfPictures(
  task: PredictTask,
  files: readonly string[],
  { images, json }: { readonly images: readonly string[]; readonly json: boolean },
): Promise<string | undefined> {
  const isInside = (file: string): boolean => resolve(file).startsWith(resolve(DRAWN) + sep);
  if (task === 'classify' || json || files.length > MOST_DRAWN || files.some(isInside))
    return undefined;
  if (images.some((path) => statSync(path).isDirectory() && leadsInto(DRAWN, path))) {
    log(`not drawn: ${DRAWN}/ would be among the images; --out DIR draws elsewhere`);
    return undefined;
  }
  const { assertWritableFolder } = await import('../io/files/out-folder.js');
  try {
    assertWritableFolder(DRAWN);
    return DRAWN;
  } catch (error) {
    log(`not drawn: ${(error as Error).message}`);
    return undefined;
  }
}

/** @throws ConfigError for an unknown format, and for one without a folder */
async function formatOf({ format, out }: PredictFlags): Promise<LabelFormat | undefined> {
  if (format === undefined) return undefined;
  const { LABEL_FORMATS } = await import('../train/label-files.js');
  if (!(LABEL_FORMATS as readonly string[]).includes(format))
    throw new OptionError(`--format: expected one of ${LABEL_FORMATS.join(', ')}, got ${format}`);
  if (out === undefined) throw new OptionError(`--format ${format}: expected --out DIR with it`);
  return format as LabelFormat;
}
