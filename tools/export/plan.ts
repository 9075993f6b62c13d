import { ConfigError } from '../../core/errors.js';
import { Random } from '../../core/random.js';
import { paddedSize } from '../../datasets/transforms/pad.js';
import type { Engine } from '../../engine/runtime/engine.js';
import type { HostTensor, HostTensors } from '../../engine/runtime/program.js';
import type { DetectionThresholds } from '../../models/detection/config.js';
import { SIZE_DIVISOR_PX } from '../../models/detection/pyramid-outputs.js';
import { DetectorPredictor } from '../../models/detector-predictor.js';
import type { ExportedModel } from '../../models/export/export-model.js';
import { exportModel } from '../../models/export/export-model.js';
import { openClassifier } from '../model/classifier.js';
import { openDetector } from '../model/detector.js';
import type { LocatedModel } from '../model/locate.js';
import { openSegmenter } from '../model/segmenter.js';
import type { ExportRequest } from './request.js';

/** A file to write, and what it should answer. */
export interface ExportPlan {
  readonly weights: string;
  readonly exported: ExportedModel;
  /** Everything a user of the file must know: pre-processing, classes, thresholds. */
  readonly card: object;
  /** Random inputs for a comparison. */
  readonly inputs: HostTensors;
  /** What this library gives for them, by the names of the file's outputs. */
  readonly expected: (engine: Engine) => Promise<HostTensors>;
}

/** Opens the model and makes its ONNX graph. @throws ConfigError, WeightsError */
export async function planExport(
  located: LocatedModel,
  request: ExportRequest,
): Promise<ExportPlan> {
  switch (located.task) {
    case 'classify':
      return planClassifier(located, request);
    case 'segment':
      return planSegmenter(located, request);
    case 'detect':
      return planDetector(located, request);
    case 'pretrain':
      throw new ConfigError(
        `${located.file}: expected a model for classify, detect or segment, got an encoder in pre-training`,
      );
    default:
      return located.task satisfies never;
  }
}

async function planClassifier(located: LocatedModel, request: ExportRequest): Promise<ExportPlan> {
  const { card, model, store, file } = await openClassifier(located, request);
  const side = card.resize.inputSize;
  const { height = side, width = side, batch } = request;
  const image = noise([batch, height, width, 3]);
  return {
    weights: file,
    exported: exportModel({ kind: 'classify', model, store, batch, size: { width, height } }),
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

async function planSegmenter(located: LocatedModel, request: ExportRequest): Promise<ExportPlan> {
  const { card, model, store, file } = await openSegmenter(located, request);
  const side = card.window.cropSize;
  const { height = side, width = side, batch } = request;
  const image = noise([batch, height, width, 3]);
  return {
    weights: file,
    exported: exportModel({ kind: 'segment', model, store, batch, size: { width, height } }),
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

async function planDetector(located: LocatedModel, request: ExportRequest): Promise<ExportPlan> {
  if (request.batch !== 1)
    throw new ConfigError(`--batch: expected 1 for detectors, got ${request.batch}`);
  const { card, model, store, file } = await openDetector(located, request);
  const { long, short } = card.limits;
  const padded = paddedSize([{ width: long, height: short }], SIZE_DIVISOR_PX);
  const size = {
    width: request.width ?? padded.width,
    height: request.height ?? padded.height,
  };
  const thresholds = request.hardNms ? withHardNms(card.thresholds) : card.thresholds;
  const image = noise([1, size.height, size.width, 3]);
  return {
    weights: file,
    exported: exportModel({ kind: 'detect', model, store, thresholds, size }),
    card: { ...card, thresholds },
    inputs: {
      image,
      image_size: { shape: [2], data: Float32Array.of(size.height, size.width) },
    },
    expected: async (engine) => {
      const predictor = new DetectorPredictor({ engine, model, store, thresholds });
      const view = { imageSize: size, originalSize: size, scale: { x: 1, y: 1 } };
      const { boxes, scores, classIndices } = await predictor.predict({ ...image, ...view });
      const count = scores.length;
      const masks = await predictor.maskProbabilities(boxes, classIndices);
      await predictor.release();
      const S = 2 * (model.config.masks?.roiSize ?? 0);
      return {
        count: { shape: [1], data: Int32Array.of(count) },
        scores: { shape: [count], data: scores },
        classes: { shape: [count], data: classIndices },
        boxes: { shape: [count, 4], data: boxes },
        ...(S > 0 ? { masks: { shape: [count, S, S], data: masks } } : {}),
      };
    },
  };
}

/** The same thresholds with ordinary suppression, at the IoU of linear soft-NMS or ½. */
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
