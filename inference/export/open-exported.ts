import { ConfigError, OptionError, WeightsFileError } from '../../core/errors.js';
import type { RgbImage } from '../../core/image.js';
import { pasteMaskRle } from '../../core/paste-mask.js';
import {
  segmentResult,
  type ClassifyResult,
  type DetectResult,
  type ImageResult,
  type SegmentResult,
} from '../../core/results.js';
import type { Rle } from '../../core/rle.js';
import type { HostTensor, HostTensors } from '../../engine/runtime/program.js';
import { imageReader } from '../../io/image/input.js';
import { readOnnxMetadata } from '../../io/onnx/metadata.js';
import { topClasses } from '../classify/top-classes.js';
import { decodingFor } from '../decoding.js';
import { detectResult, gatherRows, keptRows } from '../detect/prediction.js';
import { ACROSS_CLASSES_IOU } from '../detect/shown-scores.js';
import type { ImageModel, LoadedOf, PredictCallOptions } from '../model.js';
import { assertCallOptions } from '../predict-options.js';
import { CallQueue } from '../queue.js';
import { openFile } from './compare.js';
import { parseContract, weightsIdentity, type ExportContract } from './contract.js';
import { classPalette } from '../segment/palette.js';
import { labelsOf, mapRows } from '../segment/score-rows.js';
import { pictureTensor } from './picture-tensor.js';

/**
 * Opens an exported file as a model, to evaluate it: the file computes, and its results are read as those of the model that
 * it was exported from.
 *
 * @param model it was exported from, for what the file does not hold
 * @param onNotice receives a warning if the file has other weights than the model
 * @throws OptionError for a file without preprocessing or of other classes; FileError, WeightsFileError for another file;
 *   ConfigError without onnxruntime-node
 */
export async function openExported(
  file: string,
  model: ImageModel,
  onNotice?: (line: string) => void,
): Promise<ImageModel> {
  const contract = parseContract(await readOnnxMetadata(file));
  if (!contract)
    throw new WeightsFileError(`${file}: expected a file of convnextv2 export, got another`);
  assertFits(file, contract, model);
  const { weights } = contract;
  if (weights !== undefined && weights !== weightsIdentity(model.loaded.store))
    onNotice?.(
      `warning: ${file} was exported from other weights than those of ${model.file ?? 'the model'}; export it again`,
    );
  const session = await openFile(file);
  const format = formatOf(contract);
  const queue = new CallQueue();
  const outputs = async (image: RgbImage): Promise<HostTensors> =>
    session.run({ image: pictureTensor([image], format) });
  const read = (image: Parameters<typeof imageReader>[0]): ReturnType<typeof imageReader> =>
    imageReader(image, decodingFor(model.card));
  const opened = {
    ...model,
    file,
    options: { ...model.options, tta: false, slide: false },
    predict: async (image: Parameters<typeof imageReader>[0], call: PredictCallOptions = {}) => {
      assertCallOptions(call, model.task);
      const decode = read(image);
      return queue.run(async () => {
        const pixels = await decode();
        return resultOf(model, await outputs(pixels), pixels, { ...model.options, ...call });
      }, call.signal);
    },
    logits: () =>
      Promise.reject(new ConfigError('logits: expected a model with its network, got a file')),
    scores: async (image: Parameters<typeof imageReader>[0]) => {
      const decode = read(image);
      return queue.run(async () => (await outputs(await decode()))['logits'].data as Float32Array);
    },
    release: () => queue.release(() => session.release()),
  };
  return opened as unknown as ImageModel;
}

function assertFits(
  file: string,
  contract: ExportContract,
  { task, classNames }: ImageModel,
): void {
  if (contract.preprocessing.by !== 'graph')
    throw new OptionError(
      `${file}: expected a file with its preprocessing, got one that was exported without (raw)`,
      { flags: { '(raw)': '(--raw)' } },
    );
  if (contract.task !== task || contract.names.join('\n') !== classNames.join('\n'))
    throw new OptionError(
      `${file}: expected a file that was exported from the model, got one of the task ${contract.task} with the classes ${contract.names.slice(0, 5).join(', ')}${contract.names.length > 5 ? ', …' : ''}`,
    );
}

/** Layout and values of the input. */
function formatOf({ inputs }: ExportContract): Parameters<typeof pictureTensor>[1] {
  const [{ type, shape }] = inputs;
  return {
    layout: shape[3] === 3 ? 'nhwc' : 'nchw',
    input: type === 'uint8' ? 'uint8' : 'float',
  };
}

function resultOf(
  { task, card }: ImageModel,
  outputs: HostTensors,
  image: RgbImage,
  options: PredictCallOptions,
): ImageResult {
  const { width, height } = image;
  switch (task) {
    case 'classify': {
      const logits = outputs['logits'].data as Float32Array;
      const classes = topClasses(logits, card.classNames, options.top);
      return { task, width, height, classes } satisfies ClassifyResult;
    }
    case 'segment':
      return segmented(outputs, image, card as LoadedOf<'segment'>['card']);
    case 'detect':
      return detected(outputs, image, card as LoadedOf<'detect'>['card'], options);
    default:
      return task satisfies never;
  }
}

function segmented(
  { labels, logits }: HostTensors,
  { width, height }: RgbImage,
  card: LoadedOf<'segment'>['card'],
): SegmentResult {
  const { classNames } = card;
  const palette = classPalette(card);
  if (labels) {
    const data = Uint8Array.from(labels.data);
    return segmentResult({ width, height, labels: data, classNames, palette });
  }
  const K = classNames.length;
  const isLast = logits.shape[3] === K;
  const scores = isLast ? (logits.data as Float32Array) : classesLast(logits.data, K);
  const rows = mapRows(scores, { width, height, channels: K });
  return segmentResult({ width, height, labels: labelsOf(rows), classNames, palette });
}

/** `[K, area]` to `[area, K]`. */
function classesLast(planes: ArrayLike<number>, K: number): Float32Array {
  const area = planes.length / K;
  const out = new Float32Array(planes.length);
  for (let k = 0; k < K; k++) for (let i = 0; i < area; i++) out[i * K + k] = planes[k * area + i];
  return out;
}

function detected(
  { count: { data: counts }, scores, classes, boxes, masks }: HostTensors,
  { width, height }: RgbImage,
  card: LoadedOf<'detect'>['card'],
  { score, perClassNms = false, max }: PredictCallOptions,
): DetectResult {
  const [count] = counts;
  const found = {
    scores: (scores.data as Float32Array).subarray(0, count),
    classIndices: (classes.data as Int32Array).subarray(0, count),
    boxes: (boxes.data as Float32Array).subarray(0, 4 * count),
  };
  const kept = keptRows(found, {
    minScore: score ?? card.bestScores?.byClass,
    acrossClassesIou: perClassNms ? undefined : ACROSS_CLASSES_IOU,
    max,
  });
  const size = { width, height };
  const { maskThreshold } = card.thresholds;
  const maskOf = (d: number): Rle => {
    const area = masks.shape[2] * masks.shape[3];
    const mask = (masks.data as Float32Array).subarray(d * area, (d + 1) * area);
    return pasteMaskRle({ mask, box: found.boxes.subarray(4 * d, 4 * d + 4) }, size, maskThreshold);
  };
  const own = (masks as HostTensor | undefined) ? Array.from(kept, maskOf) : [];
  return detectResult({ ...gatherRows(found, kept), masks: own }, card, size);
}
