import { isPythonRecord, pythonAssignments, type PythonValue } from './python-literals.js';

/** Facts about a model that a configuration of OpenMMLab says, and tensors do not show. */
export interface OpenMmlabConfig {
  /** Mean and standard deviation of red, green and blue, where 1 is white. */
  readonly pixels?: Readonly<Record<'mean' | 'std', readonly number[]>> | undefined;
  /** Whether the network gets blue, green and red in this order. */
  readonly isBgr?: true | undefined;
  /** Limits of the sides of test images in pixels. */
  readonly limits?: { readonly long: number; readonly short: number } | undefined;
  /** Side of the input of a classifier in pixels, and the fraction of the resized short side that it keeps. */
  readonly crop?: { readonly inputSize: number; readonly cropFraction: number } | undefined;
  /** Windows of sliding inference in pixels. */
  readonly window?: { readonly cropSize: number; readonly stride: number } | undefined;
  /** Anchors: sides in units of the stride, height / width, strides in pixels. */
  readonly anchors?:
    Readonly<Record<'scales' | 'ratios' | 'strides', readonly number[] | undefined>> | undefined;
  /** Test setting of a detector: least score, suppression within a class, most detections. */
  readonly detections?:
    | {
        readonly scoreThreshold?: number | undefined;
        readonly suppression?:
          { readonly isSoft: boolean; readonly iouThreshold: number } | undefined;
        readonly maxPerImage?: number | undefined;
      }
    | undefined;
  readonly poolScales?: readonly number[] | undefined;
  /** Whether maps are resized with aligned corners. */
  readonly alignCorners: boolean;
}

type Fields = Readonly<Record<string, PythonValue>>;

/** Largest side in pixels that is believed. */
const MAX_SIDE = 2 ** 14;

/**
 * Reads a configuration of mmdetection, mmsegmentation or mmpretrain, of old and new versions.
 *
 * @param text Python, as mmcv and mmengine keep it in checkpoints
 */
export function openMmlabConfig(text: string): OpenMmlabConfig {
  const config = pythonAssignments(text);
  const model = fieldsOf(config['model']);
  const decode = fieldsOf(model['decode_head'] ?? config['decode_head']);
  const steps = testSteps(config);
  const test = fieldsOf(model['test_cfg'] ?? config['test_cfg']);
  return {
    ...pixelsOf(config, model, steps),
    limits: limitsOf(steps),
    crop: cropOf(steps),
    window: windowOf(test),
    detections: detectionsOf(fieldsOf(test['rcnn'])),
    anchors: anchorsOf(fieldsOf(fieldsOf(model['rpn_head'])['anchor_generator'])),
    poolScales: numbersOf(decode['pool_scales'], isSide),
    alignCorners: [decode, config].some((fields) => fields['align_corners'] === true),
  };
}

/** Mean and standard deviation: of the preprocessor (new) or of the step `Normalize` (old). */
function pixelsOf(
  config: Fields,
  model: Fields,
  steps: readonly Fields[],
): Pick<OpenMmlabConfig, 'pixels' | 'isBgr'> {
  const sources = [
    fieldsOf(model['data_preprocessor']),
    fieldsOf(config['data_preprocessor']),
    stepOf(steps, 'Normalize'),
    fieldsOf(config['img_norm_cfg']),
  ];
  const source = sources.find((fields) => fields['mean'] !== undefined) ?? {};
  const mean = numbersOf(source['mean']);
  const std = numbersOf(source['std'], (value) => value > 0);
  const isBgr = [source['bgr_to_rgb'], source['to_rgb']].includes(false) ? true : undefined;
  if (mean?.length !== 3 || std?.length !== 3) return { isBgr };
  // The usual numbers are three digits times 255.
  const fraction = (value: number): number => Number((value / 255).toPrecision(12));
  return { isBgr, pixels: { mean: mean.map(fraction), std: std.map(fraction) } };
}

/** Limits of the step that resizes, if it keeps the aspect ratio. */
function limitsOf(steps: readonly Fields[]): OpenMmlabConfig['limits'] {
  const resize = stepOf(steps, 'Resize');
  const { img_scale: several } = stepOf(steps, 'MultiScaleFlipAug');
  const sides = numbersOf(several ?? resize['scale'] ?? resize['img_scale'], isSide);
  if (sides?.length !== 2 || resize['keep_ratio'] !== true) return undefined;
  return { long: Math.max(...sides), short: Math.min(...sides) };
}

/** Crop of a classifier: `ResizeEdge` (new) or `Resize` of one side (old), then `CenterCrop`. */
function cropOf(steps: readonly Fields[]): OpenMmlabConfig['crop'] {
  const [crop] = numbersOf([stepOf(steps, 'CenterCrop')['crop_size']].flat()) ?? [];
  const [side] =
    numbersOf([stepOf(steps, 'ResizeEdge')['scale'] ?? stepOf(steps, 'Resize')['size']].flat()) ??
    [];
  const isSound = crop !== undefined && side !== undefined && isSide(crop) && isSide(side);
  return isSound && crop <= side ? { inputSize: crop, cropFraction: crop / side } : undefined;
}

/** Square windows of sliding inference. */
function windowOf(test: Fields): OpenMmlabConfig['window'] {
  const [crop, stride] = [test['crop_size'], test['stride']].map((value) => numbersOf(value, isSide)); // prettier-ignore
  const isSquare = crop?.length === 2 && crop[0] === crop[1] && stride?.[0] === stride?.[1];
  return test['mode'] === 'slide' && isSquare && stride
    ? { cropSize: crop[0], stride: stride[0] }
    : undefined;
}

/** Test setting of the box head; soft suppression is read with its linear decay. */
function detectionsOf(test: Fields): OpenMmlabConfig['detections'] {
  if (Object.keys(test).length === 0) return undefined;
  const nms = fieldsOf(test['nms']);
  const { score_thr: score, max_per_img: most } = test;
  const iouThreshold = nms['iou_threshold'] ?? nms['iou_thr'];
  const isSoft = nms['type'] === 'soft_nms' && (nms['method'] ?? 'linear') === 'linear';
  const isRead = isSoft || nms['type'] === 'nms';
  return {
    scoreThreshold: isFraction(score) ? score : undefined,
    suppression: isRead && isFraction(iouThreshold) ? { isSoft, iouThreshold } : undefined,
    maxPerImage: typeof most === 'number' && isSide(most) ? most : undefined,
  };
}

const isFraction = (value: PythonValue): value is number =>
  typeof value === 'number' && value >= 0 && value <= 1;

function anchorsOf(generator: Fields): OpenMmlabConfig['anchors'] {
  if (Object.keys(generator).length === 0) return undefined;
  const isPositive = (value: number): boolean => value > 0;
  const { octave_base_scale: base, scales_per_octave: perOctave } = generator;
  return {
    scales: numbersOf(generator['scales'] ?? (perOctave === 1 ? [base] : undefined), isPositive),
    ratios: numbersOf(generator['ratios'], isPositive),
    strides: numbersOf(generator['strides'], isSide),
  };
}

/** Steps of the test pipeline, also those inside others. */
function testSteps(config: Fields): readonly Fields[] {
  const pipelines = [
    fieldsOf(fieldsOf(config['test_dataloader'])['dataset'])['pipeline'],
    fieldsOf(fieldsOf(config['data'])['test'])['pipeline'],
    config['test_pipeline'],
  ];
  return allSteps(pipelines.find(Array.isArray) as PythonValue);
}

function allSteps(steps: PythonValue): readonly Fields[] {
  if (!Array.isArray(steps)) return [];
  return (steps as readonly PythonValue[])
    .map(fieldsOf)
    .flatMap((step) => [step, ...allSteps(step['transforms'])]);
}

/** The first step of a type. */
function stepOf(steps: readonly Fields[], type: string): Fields {
  return steps.find((step) => String(step['type']).split('.').at(-1) === type) ?? {};
}

const fieldsOf = (value: PythonValue): Fields => (isPythonRecord(value) ? value : {});

const isSide = (value: number): boolean =>
  Number.isInteger(value) && value > 0 && value <= MAX_SIDE;

/** Numbers of a list of which all fit. */
function numbersOf(
  value: PythonValue,
  fits: (item: number) => boolean = Number.isFinite,
): readonly number[] | undefined {
  const isList = Array.isArray(value) && value.length > 0;
  return isList && value.every((item) => typeof item === 'number' && fits(item))
    ? (value as readonly number[])
    : undefined;
}
