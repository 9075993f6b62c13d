import { DataError, OptionError } from '../../core/errors.js';
import { convertLabels } from '../../datasets/convert/labels.js';
import { CONVERT_FORMATS, convertSet, type ConvertFormat } from '../../datasets/convert/convert.js';
import { findLayout } from '../../datasets/layout/detect.js';
import type { DataLayout, SegmentationData } from '../../datasets/layout/types.js';
import { assertWritableFolder } from '../../io/files/out-folder.js';
import { dataOptions, kindOfTask, type DataFlags } from '../data-options.js';
import { log, print, printJson, type JsonFlag } from '../output.js';

/** Flags of `data convert`. */
export interface ConvertFlags extends DataFlags, JsonFlag {
  readonly out: string;
  readonly to: string;
  readonly task?: string;
  readonly copy?: boolean;
  readonly link?: boolean;
  readonly valFraction?: number;
  readonly seed: number;
}

/** Runs `data convert`. */
export async function runConvert(path: string, flags: ConvertFlags): Promise<void> {
  const { out, to, valFraction, seed } = flags;
  if (!isFormat(to))
    throw new OptionError(`--to: expected one of ${CONVERT_FORMATS.join(', ')}, got ${to}`);
  if (flags.copy && flags.link)
    throw new OptionError('--copy, --link: expected one of them, got both');
  assertWritableFolder(out);
  const how = flags.copy ? 'copy' : 'link';
  const kind = kindOfTask(flags.task);
  if (kind === 'segmentation' && to !== 'masks')
    throw new OptionError(`--to: expected masks with --task segment, got ${to}`);
  const found = await findLayout(path, { ...dataOptions(flags), valFraction, seed, kind });
  const data = valFraction === undefined ? undivided(found) : found;
  const isLabels = data.kind === 'segmentation' && to === 'masks';
  if (data.kind !== 'detection' && !isLabels)
    throw new DataError(
      `${path}: expected images with boxes or masks${to === 'masks' ? ', or with labels' : ' (labels of pixels: --to masks)'}, got a set for ${data.kind}`,
    );
  log(data.line);
  if (data.kind !== 'detection') {
    const { images, classes } = await convertLabels(data as SegmentationData, out, how);
    if (flags.json) printJson({ folder: out, format: to, images, classes });
    else print(`${out}: ${countsOf(images)} images, ${numClasses(classes)}`);
    return;
  }
  const written = await convertSet(data, out, { to, images: how });
  const { images, objects, classes, ...left } = written;
  const { crowdsLeftOut, masksLeftOut, boxesLeftOut } = left;
  if (flags.json) {
    printJson({ folder: out, format: to, images, objects, classes, ...left });
    return;
  }
  const lost = [
    ...(crowdsLeftOut > 0 ? [`${crowdsLeftOut} regions to be ignored left out`] : []),
    ...(boxesLeftOut > 0 ? [`${boxesLeftOut} objects without a mask left out`] : []),
    ...(masksLeftOut > 0 ? [`${masksLeftOut} masks written as boxes`] : []),
  ];
  const ending = lost.length > 0 ? `; ${to} cannot hold everything: ${lost.join(', ')}` : '';
  print(`${out}: ${countsOf(images)} images, ${objects} objects, ${numClasses(classes)}${ending}`);
}

/** A set without the division that training would make by itself. */
function undivided(data: DataLayout): DataLayout {
  const copy = { ...data };
  delete (copy as { splitRule?: unknown }).splitRule;
  return copy;
}

const countsOf = (images: Readonly<Record<string, number>>): string =>
  Object.entries(images)
    .map(([split, count]) => `${split} ${count}`)
    .join(', ');

const numClasses = ({ length }: readonly string[]): string =>
  length === 1 ? '1 class' : `${length} classes`;

function isFormat(name: string): name is ConvertFormat {
  return (CONVERT_FORMATS as readonly string[]).includes(name);
}
