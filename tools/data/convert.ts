import { DataError, ConfigError } from '../../core/errors.js';
import { CONVERT_FORMATS, convertSet, type ConvertFormat } from '../../datasets/convert/convert.js';
import { detectLayout } from '../../datasets/layout/detect.js';
import { assertWritableFolder } from '../../io/files/out-folder.js';
import { dataOptions, type DataFlags } from '../data-options.js';
import { log, print, printJson, type JsonFlag } from '../output.js';

/** Flags of `data convert`. */
export interface ConvertFlags extends DataFlags, JsonFlag {
  readonly out: string;
  readonly to: string;
  readonly copy?: boolean;
  readonly link?: boolean;
  readonly valFraction?: number;
  readonly seed: number;
}

/** Runs `data convert`. */
export async function runConvert(path: string, flags: ConvertFlags): Promise<void> {
  const { out, to, valFraction, seed } = flags;
  if (!isFormat(to))
    throw new ConfigError(`--to: expected one of ${CONVERT_FORMATS.join(', ')}, got ${to}`);
  if (flags.copy && flags.link)
    throw new ConfigError('--copy, --link: expected one of them, got both');
  assertWritableFolder(out);
  const data = await detectLayout(path, { ...dataOptions(flags), valFraction, seed });
  if (data.kind !== 'detection')
    throw new DataError(`${path}: expected images with boxes or masks, got a set for ${data.kind}`);
  log(data.line);
  const written = await convertSet(data, out, { to, images: flags.copy ? 'copy' : 'link' });
  const { images, objects, classes, ...left } = written;
  const { crowdsLeftOut, masksLeftOut, boxesLeftOut } = left;
  if (flags.json) {
    printJson({ folder: out, format: to, images, objects, classes, ...left });
    return;
  }
  const counts = Object.entries(images).map(([split, count]) => `${split} ${count}`);
  const lost = [
    ...(crowdsLeftOut > 0 ? [`${crowdsLeftOut} regions to be ignored left out`] : []),
    ...(boxesLeftOut > 0 ? [`${boxesLeftOut} objects without a mask left out`] : []),
    ...(masksLeftOut > 0 ? [`${masksLeftOut} masks written as boxes`] : []),
  ];
  const ending = lost.length > 0 ? `; ${to} cannot hold everything: ${lost.join(', ')}` : '';
  print(
    `${out}: ${counts.join(', ')} images, ${objects} objects, ${classes.length === 1 ? '1 class' : `${classes.length} classes`}${ending}`,
  );
}

function isFormat(name: string): name is ConvertFormat {
  return (CONVERT_FORMATS as readonly string[]).includes(name);
}
