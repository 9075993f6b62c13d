import { ConfigError } from '../../core/errors.js';
import { Random } from '../../core/random.js';
import { paddedSize } from '../../datasets/transforms/pad.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { HostTensor, HostTensors } from '../../engine/runtime/program.js';
import type { DetectionThresholds } from '../../models/detection/config.js';
import { SIZE_DIVISOR_PX } from '../../models/detection/pyramid-outputs.js';
import { DetectorPredictor } from '../detect/predictor.js';
import type { LoadedModel, LoadedOf } from '../model.js';
import { exportModel, type ExportedModel } from './export-model.js';

/** A file to write, with reference inputs and outputs. */
interface ExportPlan {
  readonly exported: ExportedModel;
  /** Description for users of the file: preprocessing, classes, thresholds. */
  readonly card: LoadedModel['card'];
  /** Random inputs for the comparison. */
  readonly inputs: HostTensors;
  /** Outputs of this library for them, by the names of the file's outputs. */
  readonly expected: (engine: Engine) => Promise<HostTensors>;
}

/** Options that determine the graph. */
interface GraphOptions {
  readonly batch?: number | undefined;
  readonly height?: number | undefined;
  readonly width?: number | undefined;
  readonly hardNms?: boolean | undefined;
}

/** Creates the ONNX graph of a model. @throws ConfigError */
export function planExport(loaded: LoadedModel, options: GraphOptions): ExportPlan {
  const { card } = loaded;
  switch (card.task) {
    case 'classify':
      return planLogits(loaded as LoadedOf<'classify'>, card.resize.inputSize, options);
    case 'segment':
      return planLogits(loaded as LoadedOf<'segment'>, card.window.cropSize, options);
    case 'detect':
      return planDetector(loaded as LoadedOf<'detect'>, options);
    default:
      return card satisfies never;
  }
}

/** @param side default side of the input */
function planLogits(
  { card, model, store }: LoadedOf<'classify' | 'segment'>,
  side: number,
  { height = side, width = side, batch = 1 }: GraphOptions,
): ExportPlan {
  const image = noise([batch, height, width, 3]);
  return {
    exported: exportModel({ kind: card.task, model, store, batch, size: { width, height } }),
    card,
    inputs: { image },
    expected: async (engine) => {
      const program = engine.prepare(model.inference, store);
      const { logits } = await program.run({ image });
      await program.release();
      return { logits };
    },
  };
}

function planDetector(
  { card, model, store }: LoadedOf<'detect'>,
  { batch = 1, height, width, hardNms }: GraphOptions,
): ExportPlan {
  if (batch !== 1)
    throw new ConfigError(`batch: expected 1 for detectors, got ${batch}`, {
      flags: { batch: '--batch' },
    });
  const { long, short } = card.limits;
  const padded = paddedSize([{ width: long, height: short }], SIZE_DIVISOR_PX);
  const size = { width: width ?? padded.width, height: height ?? padded.height };
  const thresholds = hardNms ? withHardNms(card.thresholds) : card.thresholds;
  const image = noise([1, size.height, size.width, 3]);
  return {
    exported: exportModel({ kind: 'detect', model, store, thresholds, size }),
    card: { ...card, thresholds },
    inputs: {
      image,
      image_size: { shape: [2], data: Float32Array.of(size.height, size.width) },
    },
    expected: async (engine) => {
      const predictor = new DetectorPredictor({ engine, model, store, thresholds });
      const geometry = { imageSize: size, originalSize: size, scale: { x: 1, y: 1 } };
      const { boxes, scores, classIndices } = await predictor.predict({ ...image, ...geometry });
      const count = scores.length;
      const masks = await predictor.maskProbabilities(boxes, classIndices);
      await predictor.release();
      const S = 2 * (model.config.masks?.roiSize ?? 0);
      return {
        count: { shape: [1], data: Int32Array.of(count) },
        scores: { shape: [count], data: scores },
        classes: { shape: [count], data: classIndices },
        boxes: { shape: [count, 4], data: boxes },
        ...(S > 0 && { masks: { shape: [count, S, S], data: masks } }),
      };
    },
  };
}

/** Replaces soft-NMS with hard NMS, at the IoU threshold of linear soft-NMS or ½. */
function withHardNms(thresholds: DetectionThresholds): DetectionThresholds {
  const { suppression } = thresholds;
  if (suppression.kind === 'hard') return thresholds;
  const { decay } = suppression;
  const iouThreshold = decay.kind === 'linear' ? decay.iouThreshold : 0.5;
  return { ...thresholds, suppression: { kind: 'hard', iouThreshold } };
}

function noise(shape: readonly [number, number, number, number]): HostTensor & {
  readonly data: Float32Array;
} {
  const random = new Random(1);
  const data = new Float32Array(shape.reduce((a, b) => a * b, 1));
  for (let i = 0; i < data.length; i++) data[i] = random.normal();
  return { shape, data };
}
