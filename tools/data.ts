import type { Command } from 'commander';
import { OptionError } from '../core/errors.js';
import type { ShapesOptions } from '../datasets/shapes/write.js';
import type { BrowseOptions } from './browse/gather.js';
import {
  addDataOptions,
  dataOptions,
  kindOfTask,
  taskOption,
  valFractionOption,
  type DataFlags,
} from './data-options.js';
import type { CheckFlags } from './data/check.js';
import type { ConvertFlags } from './data/convert.js';
import type { SplitFlags } from './data/split.js';
import type { StatsFlags } from './data/stats.js';
import { collected, fraction, wholeNumber } from './engine-options.js';
import { log, print, printJson, type JsonFlag } from './output.js';

interface BrowseFlags extends BrowseOptions, DataFlags, JsonFlag {
  readonly out: string;
  readonly task?: string;
}

interface ShapesFlags extends Omit<ShapesOptions, 'format' | 'plain' | 'labels'>, JsonFlag {
  readonly out: string;
  readonly format: string;
  readonly plain?: boolean;
  readonly labels?: boolean;
}

const DATA_ARGUMENT = 'a folder in a known layout, a data.yaml or an annotation file';

/** `convnextv2 data` */
export function defineData(data: Command): void {
  registerCheck(data);
  registerStats(data);
  registerBrowse(data);
  registerSplit(data);
  registerConvert(data);
  registerShapes(data);
}

function registerCheck(data: Command): void {
  addDataOptions(data.command('check'))
    .description('validate a data set; exit code 2 if training would refuse it')
    .argument('<data>', DATA_ARGUMENT)
    .option('--decode', 'decode every pixel of every image, too')
    .option('--no-images', 'do not look at image files')
    .option('--results <files...>', 'also check COCO result files against the set')
    .addOption(taskOption())
    .option('--recipe <name>', 'the recipe that the set is for, instead of the usual of the task')
    .option('--set <path=value>', 'a setting of that recipe, as for train', collected, [])
    .option('--all', 'list every problem instead of a few of each kind')
    .option('--json', 'print one JSON document')
    .action(async (path: string, flags: CheckFlags) => {
      const { runCheck } = await import('./data/check.js');
      if (!(await runCheck(path, flags))) process.exitCode = 2;
    });
}

function registerStats(data: Command): void {
  addDataOptions(data.command('stats'))
    .description('count images, objects, sizes and classes, and compare the parts')
    .argument('<data>', DATA_ARGUMENT)
    .addOption(taskOption())
    .option('--out <file>', 'also write one HTML file with the pictures of all that')
    .option(
      '--duplicates',
      'look for near duplicates across the parts (reads every image; --out does)',
    )
    .option(
      '--recipe <name>',
      'detector whose input size and anchors objects are compared to',
      'detect',
    )
    .option('--json', 'print one JSON document')
    .action(async (path: string, flags: StatsFlags) => {
      const { runStats } = await import('./data/stats.js');
      await runStats(path, flags);
    });
}

function registerBrowse(data: Command): void {
  addDataOptions(data.command('browse'))
    .description('write one HTML file that shows images with boxes and masks, needing nothing else')
    .argument('<data>', DATA_ARGUMENT)
    .requiredOption('--out <file>', 'the HTML file to write')
    .addOption(taskOption())
    .option('--limit <n>', 'images to show at most', wholeNumber('--limit'), 200)
    .option('--thumbnail <px>', 'longer side of the images', wholeNumber('--thumbnail'), 480)
    .option('--json', 'print one JSON document')
    .action(async (path: string, flags: BrowseFlags) => {
      const { limit, thumbnail } = flags;
      if (limit < 1) throw new OptionError(`--limit: expected at least 1, got ${limit}`);
      if (thumbnail < 32 || thumbnail > 4096)
        throw new OptionError(`--thumbnail: expected 32 to 4096 px, got ${thumbnail}`);
      const { writeBrowser } = await import('./browse/write.js');
      const kind = kindOfTask(flags.task);
      const options = { limit, thumbnail, kind, ...dataOptions(flags) };
      const { line, cards, numConcerns } = await writeBrowser(path, flags.out, options);
      log(line);
      if (flags.json) printJson({ file: flags.out, images: cards, toLookAt: numConcerns });
      else print(`${flags.out}: ${cards} images, ${numConcerns} to look at`);
    });
}

function registerSplit(data: Command): void {
  addDataOptions(data.command('split'))
    .description('divide a set into train, val and test with the same classes in each')
    .argument('<data>', DATA_ARGUMENT)
    .requiredOption('--out <folder>', 'a folder that is empty or does not exist')
    .option('--val-fraction <fraction>', 'fraction for validation', fraction('--val-fraction'), 0.2)
    .option(
      '--test-fraction <fraction>',
      'fraction for a test part',
      fraction('--test-fraction'),
      0,
    )
    .option('--seed <n>', 'the same seed gives the same parts', wholeNumber('--seed'), 0)
    .option(
      '--group <regex>',
      'images whose names have the same match stay in one part; parentheses choose what is compared, as in "^(.*)_[0-9]+"',
    )
    .option('--part <name>', 'the part to divide, of a set that has several')
    .option('--copy', 'classification: copy the images')
    .option('--link', 'classification: link to the images where they are (the default)')
    .option('--json', 'print one JSON document')
    .action(async (path: string, flags: SplitFlags) => {
      const { runSplit } = await import('./data/split.js');
      await runSplit(path, flags);
    });
}

function registerConvert(data: Command): void {
  addDataOptions(data.command('convert'))
    .description('convert a set to the format of another tool')
    .argument('<data>', DATA_ARGUMENT)
    .requiredOption('--out <folder>', 'a folder that is empty or does not exist')
    .requiredOption(
      '--to <format>',
      'coco, yolo, voc, labelme, masks or cvat; with --task segment masks: label PNGs and a data.yaml',
    )
    .addOption(taskOption())
    .option('--copy', 'copy the images')
    .option('--link', 'link to the images where they are (the default)')
    .addOption(valFractionOption())
    .option('--seed <n>', 'of that division', wholeNumber('--seed'), 0)
    .option('--json', 'print one JSON document')
    .action(async (path: string, flags: ConvertFlags) => {
      const { runConvert } = await import('./data/convert.js');
      await runConvert(path, flags);
    });
}

function registerShapes(data: Command): void {
  data
    .command('shapes')
    .description('generate a synthetic COCO-format set of textured shapes')
    .requiredOption('--out <folder>', 'a folder that is empty or does not exist')
    .option('--seed <n>', 'the same seed gives the same set', wholeNumber('--seed'), 0)
    .option('--train <n>', 'training images', wholeNumber('--train'), 1000)
    .option('--val <n>', 'validation images', wholeNumber('--val'), 200)
    .option('--width <px>', 'of the images', wholeNumber('--width'), 320)
    .option('--height <px>', 'of the images', wholeNumber('--height'), 240)
    .option('--min-objects <n>', 'in an image', wholeNumber('--min-objects'), 3)
    .option('--max-objects <n>', 'in an image', wholeNumber('--max-objects'), 12)
    .option('--format <format>', 'png or jpeg', 'png')
    .option('--plain', 'whole objects of one color, side by side: easy to learn')
    .option('--labels', 'also write semantic labels and segment.yaml')
    .option('--json', 'print one JSON document')
    .action(async (flags: ShapesFlags) => {
      const { out, json, format, labels, plain, ...numbers } = flags;
      if (format !== 'png' && format !== 'jpeg')
        throw new OptionError(`--format: expected png or jpeg, got ${format}`);
      const { writeShapes } = await import('../datasets/shapes/write.js');
      const start = performance.now();
      let printed = 0;
      await writeShapes(
        out,
        { ...numbers, format, plain: plain ?? false, labels: labels ?? false },
        (done, total) => {
          const tenth = Math.floor((10 * done) / total);
          if (tenth > printed) log(`${done} of ${total} images`);
          printed = Math.max(printed, tenth);
        },
      );
      const seconds = Math.round((performance.now() - start) / 100) / 10;
      if (json) printJson({ folder: out, train: numbers.train, val: numbers.val, seconds });
      else print(`${out}: ${numbers.train} + ${numbers.val} images in ${seconds} s`);
    });
}
