import { sha256Of } from '../../io/files/sha256.js';
import type { OnnxGraph, OnnxValue } from '../../engine/onnx/graph.js';
import type { EvaluationResize } from '../../datasets/transforms/evaluation.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import { packageVersion } from '../../io/files/package-version.js';
import { SIZE_DIVISOR_PX } from '../../models/detection/pyramid-outputs.js';
import { decodingFor } from '../decoding.js';
import type { LoadedModel } from '../model.js';
import { MIN_SIDE } from '../segment/windows.js';
import type { ExportFormat } from './format.js';

/** Element type of the weights and of the products of an exported file. */
export type ExportPrecision = 'fp32' | 'fp16' | 'int8';

/** An input or output of an exported file. */
export interface ContractTensor {
  readonly name: string;
  /** ONNX's type: `uint8`, `float32`, `int32` or `int64`. */
  readonly type: string;
  /** Sizes; a name, or null, for those that may be any. */
  readonly shape: readonly (number | string | null)[];
  readonly meaning: string;
}

/** Contract of an exported file: all that is needed to use it. The same text is in the file (`metadata_props`) and beside it. */
export interface ExportContract {
  readonly task: LoadedModel['card']['task'];
  /** Names of the classes by class index. */
  readonly names: readonly string[];
  readonly inputs: readonly ContractTensor[];
  readonly outputs: readonly ContractTensor[];
  /** Steps from a decoded image to the network, in order; those of the caller and those inside the graph. */
  readonly preprocessing: {
    /** Place of resizing, normalization and padding: the graph, or the caller before it (`--raw`). */
    readonly by: 'graph' | 'caller';
    readonly steps: readonly string[];
    /** Of red, green and blue, where 1 is white. */
    readonly mean: readonly number[];
    readonly std: readonly number[];
    readonly resize: object;
  };
  /** Of a detector: thresholds inside the graph, category ids of the training data, and scores from which objects are shown. */
  readonly detection?: object | undefined;
  readonly precision: ExportPrecision;
  readonly license: string;
  /** Version of this library. */
  readonly version: string;
  /** Identity of the weights, see {@link weightsIdentity}; files of earlier versions have none. */
  readonly weights?: string | undefined;
}

/** License of weights whose origin is not known. */
const OWN_LICENSE =
  'not stated: that of the training data and of the weights that training started from (official ConvNeXt V2: CC-BY-NC-4.0)';

/** Facts of a contract beyond the graph. */
interface ContractRequest {
  readonly card: LoadedModel['card'];
  readonly format: ExportFormat;
  readonly precision: ExportPrecision;
  readonly license?: string | undefined;
  readonly weights?: string | undefined;
}

/** SHA-256 of the weights in single precision, in hexadecimal: it tells files of two checkpoints of one run apart. */
export function weightsIdentity({ values }: Pick<ParameterStore, 'values'>): string {
  return sha256Of(values);
}

/** Describes a graph for those who run it. */
export function exportContract(graph: OnnxGraph, request: ContractRequest): ExportContract {
  const { card, format, precision, weights, license = OWN_LICENSE } = request;
  const describe = (values: readonly OnnxValue[]): readonly ContractTensor[] =>
    values.map(({ name, type, shape, axes }) => ({
      name,
      type,
      shape: shape.map((size, axis) => (size >= 0 ? size : (axes?.[axis] ?? null))),
      meaning: meaningOf(name, request),
    }));
  return {
    task: card.task,
    names: card.classNames,
    inputs: describe(graph.inputs),
    outputs: describe(graph.outputs),
    preprocessing: {
      by: format.raw ? 'caller' : 'graph',
      steps: stepsOf(card),
      ...card.pixels,
      resize: card.task === 'classify' ? card.resize : card.limits,
    },
    detection: card.task === 'detect' ? detectionOf(card) : undefined,
    precision,
    license,
    version: packageVersion(),
    weights,
  };
}

/** Texts of `metadata_props`: simple ones as they are, the others as JSON. */
export function contractMetadata(contract: ExportContract): Readonly<Record<string, string>> {
  const { task, license, version, precision, weights, ...rest } = contract;
  const texts = Object.entries(rest).flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, JSON.stringify(value)]],
  );
  return {
    producer: 'convnextv2',
    task,
    license,
    version,
    precision,
    ...(weights !== undefined && { weights }),
    ...Object.fromEntries(texts),
  };
}

/**
 * Inverse of {@link contractMetadata}.
 *
 * @returns undefined if the texts are not those of an exported file
 */
export function parseContract(
  metadata: Readonly<Record<string, string>>,
): ExportContract | undefined {
  const { producer, task, license, version, precision, weights, ...rest } = metadata;
  if (producer !== 'convnextv2' || task === undefined || rest['names'] === undefined)
    return undefined;
  const parsed = Object.entries(rest).map(([key, text]) => [key, JSON.parse(text) as unknown]);
  return {
    task,
    license,
    version,
    precision,
    weights,
    ...Object.fromEntries(parsed),
  } as ExportContract;
}

function meaningOf(name: string, { card, format }: ContractRequest): string {
  const quarter = format.raw ? ', at a quarter of the size of the input' : '';
  switch (name) {
    case 'image':
      return format.raw
        ? `RGB, ${decodingOf(card)}; then resized, normalized and padded as preprocessing.steps say`
        : `RGB images of one size, ${format.input === 'uint8' ? '0 … 255' : '0 … 1'}, ${decodingOf(card)}`;
    case 'image_size':
      return 'height and width of each image without its padding, in pixels of the input';
    case 'logits':
      return card.task === 'classify'
        ? 'scores of the classes before the softmax'
        : `scores of the classes of every pixel before the softmax${quarter}`;
    case 'probabilities':
      return 'softmax of the logits';
    case 'labels':
      return `class index of every pixel${quarter}`;
    case 'count':
      return 'number of detections of each image; the rows after them are zeros';
    case 'boxes':
      return `x1, y1, x2, y2 in pixels of the ${format.raw ? 'input' : 'image'}`;
    case 'scores':
      return '0 … 1, descending';
    case 'classes':
      return 'class index';
    case 'masks':
      return 'probability of each cell of a grid over the box; the object is where it is at least detection.maskThreshold';
    default:
      return '';
  }
}

/** Orientation and values of the pixels that a model was trained on, see `decodingFor`. */
function decodingOf(card: LoadedModel['card']): string {
  const { upright, range } = decodingFor(card);
  const turned = `decoded without color management and ${upright ? 'turned upright as' : 'not turned even if'} their EXIF data say so`;
  if (!range) return turned;
  const [lowest, highest] = range;
  return `${turned}; values v of more than 8 bits as 255 · (v − ${lowest}) / (${highest} − ${lowest}), rounded and limited to 0 … 255`;
}

/** Steps of preprocessing for people. */
function stepsOf(card: LoadedModel['card']): readonly string[] {
  const normalize = '(value / 255 - mean) / std for each of red, green and blue';
  switch (card.task) {
    case 'classify':
      return [...resizeSteps(card.resize), normalize];
    case 'detect':
    case 'segment': {
      const { long, short } = card.limits;
      const [sides, of] =
        card.task === 'detect'
          ? [`a multiple of ${SIZE_DIVISOR_PX}`, 'the next multiple']
          : [`at least ${MIN_SIDE}`, 'that'];
      return [
        `resize by f = min(${long} / long side, ${short} / short side) to int(side * f + 0.5), bilinear without antialiasing as cv2.resize (INTER_LINEAR) on 8 bits`,
        normalize,
        `zeros at the right and bottom until each side is ${sides}, up to ${of}`,
      ];
    }
    default:
      return card satisfies never;
  }
}

function resizeSteps({ inputSize, mode, cropFraction, filter }: EvaluationResize): string[] {
  const how = `${filter} with antialiasing as Pillow's Image.resize on 8 bits`;
  if (mode === 'warp') return [`resize to ${inputSize} x ${inputSize}, ${how}`];
  const short = Math.trunc(inputSize / cropFraction);
  return [
    `resize the short side to ${short}, the long one to int(${short} * long / short), ${how}`,
    `crop ${inputSize} x ${inputSize} from the center`,
  ];
}

function detectionOf({
  thresholds,
  categoryIds,
  bestScores,
}: Extract<LoadedModel['card'], { readonly task: 'detect' }>): object {
  const { scoreThreshold, suppression, maxPerImage, maskThreshold } = thresholds;
  return {
    scoreThreshold,
    suppression,
    maxPerImage,
    maskThreshold,
    categoryIds,
    showFrom: bestScores?.byClass ?? null,
  };
}
