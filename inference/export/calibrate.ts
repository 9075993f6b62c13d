import { existsSync, statSync } from 'node:fs';
import { evenly } from '../../datasets/evenly.js';
import { OptionError } from '../../core/errors.js';
import { encodeModel } from '../../engine/onnx/encode-model.js';
import { imagesBelow, unreadImageFormat } from '../../io/files/images.js';
import { decodeImage } from '../../io/image/decode.js';
import { decodingFor } from '../decoding.js';
import type { LoadedModel } from '../model.js';
import { openFile } from './compare.js';
import { exportGraph } from './export-model.js';
import type { ExportFormat } from './format.js';
import type { Precision } from './network-parts.js';
import { pictureTensor } from './picture-tensor.js';
import { extremes, observing, quantized, type Range } from './quantize.js';

/** Number of pictures that are enough: ranges hardly change with more. */
const MOST_PICTURES = 32;

/** Ranges of activations by the name of the network in the file and of the value. */
type Ranges = ReadonlyMap<string, Range>;

/** Observations on pictures. */
interface Observed {
  readonly ranges: Ranges;
  /** Number of detections in all pictures; 0 for other models. */
  readonly numObjects: number;
}

const keyOf = (part: string, value: string): string => `${part}/${value}`;

/**
 * Determines the ranges of a model's activations on pictures, and returns the change of its networks to bytes.
 *
 * @param folder with pictures like those that the model will see, of which at most 32 are used
 * @param onNotice receives a warning if a detector finds nothing in them, so that its mask heads saw no object
 * @throws OptionError for a folder without pictures; ImageError for a broken one; ConfigError without onnxruntime-node
 */
export async function calibrated(
  loaded: LoadedModel,
  format: ExportFormat,
  folder: string,
  onNotice?: (line: string) => void,
): Promise<Precision> {
  const { images, others } = imagesBelow(folder);
  if (images.length === 0)
    throw new OptionError(
      `calibrate: expected a folder with pictures, got none in ${folder}${whyNone(folder, others)}`,
      { flags: { calibrate: '--calibrate' } },
    );
  const pictures = evenly(images, MOST_PICTURES);
  const { ranges, numObjects } = await observedRanges(loaded, format, pictures);
  if (loaded.card.task === 'detect' && loaded.card.detector.masks && numObjects === 0)
    onNotice?.(
      `warning: the model found no object in ${pictures.length === 1 ? 'the one picture' : `${pictures.length} pictures`} of ${folder}, so that the ranges of its mask heads come from empty boxes; calibrate with pictures that show objects`,
    );
  return (graph, part) => quantized(graph, (value) => ranges.get(keyOf(part, value)));
}

/** Says why a folder has no pictures, where that is not obvious. */
function whyNone(folder: string, others: readonly string[]): string {
  if (!existsSync(folder)) return ', which does not exist';
  if (!statSync(folder).isDirectory()) return ', which is no folder';
  const unread = others.find((file) => unreadImageFormat(file) !== undefined);
  return unread === undefined ? '' : ` (${unread} is ${unreadImageFormat(unread)})`;
}

async function observedRanges(
  loaded: LoadedModel,
  format: ExportFormat,
  images: readonly string[],
): Promise<Observed> {
  const observed: string[] = [];
  const single = { ...format, raw: false, batch: undefined, height: undefined, width: undefined };
  const graph = exportGraph(loaded, single, (network, part) => {
    const { graph: changed, values } = observing(network);
    observed.push(...values.map((value) => keyOf(part, value)));
    return changed;
  });
  const scalars = observed.flatMap((value) => Object.values(extremes(value)));
  const outputs = [
    ...scalars.map((name) => ({ name, shape: [], type: 'float32' as const })),
    ...graph.outputs.filter(({ name }) => name === 'count'),
  ];
  const file = await openFile(encodeModel({ ...graph, outputs }));
  const ranges = new Map<string, Range>();
  let numObjects = 0;
  for (const image of images) {
    const picture = await decodeImage(image, decodingFor(loaded.card));
    const found = await file.run({ image: pictureTensor([picture], single) });
    numObjects += found['count']?.data[0] ?? 0;
    for (const value of observed) {
      const { min, max } = extremes(value);
      const before = ranges.get(value) ?? { min: 0, max: 0 };
      ranges.set(value, {
        min: Math.min(before.min, found[min].data[0]),
        max: Math.max(before.max, found[max].data[0]),
      });
    }
  }
  await file.release();
  return { ranges, numObjects };
}
