import type { Size } from '../../core/boxes.js';
import { OptionError, WeightsFileError } from '../../core/errors.js';
import type { ImageParts, RgbImage } from '../../core/image.js';
import { pasteMaskRle } from '../../core/paste-mask.js';
import { segmentResult, type DetectResult, type SegmentResult } from '../../core/results.js';
import type { Rle } from '../../core/rle.js';
import type { HostTensor, HostTensors } from '../../engine/runtime/program.js';
import { readOnnxMetadata } from '../../io/onnx/metadata.js';
import { detectResult, gatherRows, keptRows, type DetectionChoice } from '../detect/prediction.js';
import { detectionChoice } from '../detect/shown-scores.js';
import { NODE_READERS } from '../model-of.js';
import { classifierOf } from '../classify/model.js';
import type { ImageModel, LoadedOf, PredictTask } from '../model.js';
import { queued, type Given, type Predict } from '../opened.js';
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
  const inputOf = (image: RgbImage): HostTensor => pictureTensor([image], format);
  const outputs = async (picture: RgbImage | ImageParts): Promise<HostTensors> => {
    const { width, height } = picture;
    // Only the model has tiles.
    const image = 'part' in picture ? picture.part({ x: 0, y: 0, width, height }) : picture;
    return session.run({ image: inputOf(await image) });
  };
  const free = (): Promise<void> => session.release();
  const options = { ...model.options, tta: false, slide: false, tile: undefined };
  const given = <Task extends PredictTask>(loaded: LoadedOf<Task>): Given<Task> => ({
    loaded: { ...loaded, file },
    readers: NODE_READERS,
    options,
  });
  switch (model.task) {
    case 'classify':
      return classifierOf(given<'classify'>(model.loaded), {
        takesWholeImages: true,
        inputOf,
        run: async (image) => (await session.run({ image }))['logits'].data as Float32Array,
        free,
      });
    case 'segment': {
      const predict: Predict<'segment'> = async (image) =>
        segmented(await outputs(image), image, model.card);
      return queued('segment', given<'segment'>(model.loaded), predict, free);
    }
    case 'detect': {
      const { card } = model;
      const predict: Predict<'detect'> = async (image, call) =>
        detected(await outputs(image), image, card, detectionChoice(card, options, call));
      return queued('detect', given<'detect'>(model.loaded), predict, free);
    }
    default:
      return model satisfies never;
  }
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

function segmented(
  { labels, logits }: HostTensors,
  { width, height }: Size,
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
  { width, height }: Size,
  card: LoadedOf<'detect'>['card'],
  choice: DetectionChoice,
): DetectResult {
  const [count] = counts;
  const found = {
    scores: (scores.data as Float32Array).subarray(0, count),
    classIndices: (classes.data as Int32Array).subarray(0, count),
    boxes: (boxes.data as Float32Array).subarray(0, 4 * count),
  };
  const kept = keptRows(found, choice);
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
