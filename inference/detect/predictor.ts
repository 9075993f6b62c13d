import { stopwatch } from '../../core/duration.js';
import { scaleBoxes, unscaleBoxes, type Boxes, type Size } from '../../core/boxes.js';
import { pyramidAnchors } from '../../core/anchors.js';
import { ConfigError } from '../../core/errors.js';
import { multiclassNms } from '../../core/nms-multiclass.js';
import { selectProposals } from '../../core/nms-proposals.js';
import { pasteMaskRle } from '../../core/paste-mask.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { Engine, PrepareOptions } from '../../engine/runtime/engine.js';
import type { Executable } from '../../engine/runtime/program.js';
import { anchorLevelSizes, type FeatureMaps } from '../../heads/roi/feature-maps.js';
import { RoiMemory, type RoiArena } from '../../heads/roi/roi-memory.js';
import { largestMaskChunk } from '../../models/detection/buckets.js';
import type { DetectionThresholds } from '../../models/detection/config.js';
import {
  assertImages,
  levelPredictions,
  mapsAsOutputs,
  pyramidOf,
} from '../../models/detection/pyramid-outputs.js';
import type { Detector } from '../../models/detector.js';
import { gatherRows, keptRows, type DetectionChoice, type Prediction } from './prediction.js';
import type { DetectorInput, InputGeometry } from './preprocess.js';
import { RoiHeads, type BoxCandidates } from './roi-heads.js';
import { flipBoxes, flipMasks, joinCandidates, meanOf, type DetectorView } from './tta.js';

const NO_TIMES = {
  featuresMs: 0,
  proposalsMs: 0,
  boxesMs: 0,
  suppressionMs: 0,
  masksMs: 0,
  pasteMs: 0,
};

/** Times of the phases of a prediction. */
export type PredictionTimes = Readonly<typeof NO_TIMES>;

/** A TTA view whose features are in memory. */
interface SeenView {
  readonly arena: RoiArena;
  readonly maps: FeatureMaps;
  readonly image: InputGeometry;
}

/** Options of a prediction. */
export interface PredictOptions extends DetectionChoice {
  /** Checked between the stages. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of {@link DetectorPredictor}. */
interface PredictorOptions {
  readonly engine: Engine;
  readonly model: Detector;
  readonly store: ParameterStore;
  readonly thresholds: DetectionThresholds;
  readonly prepare?: Omit<PrepareOptions, 'gradients'> | undefined;
}

/**
 * Detects objects in images, one at a time. Owns sessions and a WebAssembly memory; {@link DetectorPredictor.release} frees
 * the sessions. Calls must not overlap.
 */
export class DetectorPredictor {
  private readonly features: Executable;
  private readonly heads: RoiHeads;
  /** One per TTA view: features are kept until the masks are computed. */
  private readonly memories: RoiMemory[] = [];
  private readonly seen: SeenView[] = [];
  private anchors: { readonly key: string; readonly boxes: Boxes } | undefined;
  /** Number of detections that the current suppression keeps. */
  private mostDetections: number;
  private times = { ...NO_TIMES };

  constructor(private readonly options: PredictorOptions) {
    const { engine, model, store, prepare = {} } = options;
    this.features = engine.prepare(model.features, store, prepare);
    this.heads = new RoiHeads(engine, model, store, prepare);
    this.mostDetections = options.thresholds.maxPerImage;
  }

  /** Times of the last prediction. */
  get lastTimes(): PredictionTimes {
    return this.times;
  }

  /**
   * Detections of an image.
   *
   * @throws ShapeError unless the image is `[1, H, W, 3]` padded to multiples of 32; WorkError if the network's outputs
   *   are not finite
   */
  predict(image: DetectorInput): Promise<Prediction> {
    return this.predictViews([{ ...image, isFlipped: false }]);
  }

  /**
   * Detects objects with test-time augmentation, i.e. several flipped or rescaled views of an image: boxes of all views
   * are suppressed together, and mask probabilities are averaged over the views.
   *
   * @throws ConfigError without views, or if their image sizes differ; as {@link DetectorPredictor.predict}; the signal's
   *   reason
   */
  async predictViews(
    views: readonly DetectorView[],
    { minScore, acrossClassesIou, max = Infinity, signal }: PredictOptions = {},
  ): Promise<Prediction> {
    const { thresholds, model } = this.options;
    const { width, height } = sizeOfViews(views);
    this.mostDetections = Math.max(thresholds.maxPerImage, Number.isFinite(max) ? max : 0);
    this.times = { ...NO_TIMES };
    const parts: BoxCandidates[] = [];
    for (const [v, view] of views.entries()) {
      const { boxes, scores } = await this.candidates(view, v, signal);
      parts.push({ boxes: view.isFlipped ? flipBoxes(boxes, width) : boxes, scores });
    }
    const clock = stopwatch();
    const joined = joinCandidates(parts);
    const detections = multiclassNms(joined.boxes, joined.scores, {
      ...thresholds,
      maxPerImage: this.mostDetections,
      numClasses: model.config.numClasses,
    });
    this.times.suppressionMs = clock();
    const masks: Float32Array[] = [];
    for (const [v, { isFlipped }] of views.entries()) {
      signal?.throwIfAborted();
      const boxes = isFlipped ? flipBoxes(detections.boxes, width) : detections.boxes;
      const own = await this.maskProbabilities(boxes, detections.classIndices, v);
      masks.push(isFlipped ? flipMasks(own, detections.scores.length) : own);
    }
    signal?.throwIfAborted();
    // Masks are computed for all, because their number affects the last bits.
    const kept = keptRows(detections, { minScore, acrossClassesIou, max });
    const mean = meanOf(masks);
    const area = mean.length / Math.max(detections.scores.length, 1);
    const ranked = gatherRows(detections, kept);
    const own = Array.from(kept, (d) => mean.subarray(d * area, (d + 1) * area));
    const size = { width, height };
    return { ...ranked, masks: area === 0 ? [] : this.pasted(ranked.boxes, own, size) };
  }

  /**
   * Computes boxes and scores before suppression, in pixels of the original image, flipped if the view is. The features
   * are kept for {@link DetectorPredictor.maskProbabilities}.
   *
   * @param view index of the view, under which the features are kept
   */
  async candidates(image: DetectorInput, view = 0, signal?: AbortSignal): Promise<BoxCandidates> {
    const { model } = this.options;
    assertImages('predict', image);
    if (image.shape[0] !== 1)
      throw new ConfigError(`predict: expected one image at a time, got ${image.shape[0]}`);
    const clock = stopwatch();
    const shape = pyramidOf(image.shape, model.config.channels);
    const { maxPerImage } = model.config.rpn.testProposals;
    const arena = (this.memories[view] ??= new RoiMemory()).begin(shape, 1, [
      {
        capacity: this.heads.boxCapacity(maxPerImage),
        outputSize: model.config.boxRoiSize,
        withGradients: false,
      },
      {
        capacity: largestMaskChunk(this.mostDetections),
        outputSize: model.config.masks?.roiSize ?? 1,
        withGradients: false,
      },
    ]);
    const maps = arena.allocateMaps();
    const outputs = await this.features.run({ image }, mapsAsOutputs(maps));
    this.seen[view] = { arena, maps, image };
    this.times.featuresMs += clock();
    signal?.throwIfAborted();
    const anchors = this.anchorsOf(anchorLevelSizes(shape));
    const levels = levelPredictions(outputs, 0);
    const proposals = selectProposals(
      levels,
      anchors,
      image.imageSize,
      model.config.rpn.testProposals,
    );
    this.times.proposalsMs += clock();
    signal?.throwIfAborted();
    const scaled = await this.heads.boxes(arena, maps, proposals.boxes, image.imageSize);
    const candidates = {
      boxes: unscaleBoxes(scaled.boxes, image.scale, scaled.boxes),
      scores: scaled.scores,
    };
    this.times.boxesMs += clock();
    return candidates;
  }

  /**
   * Computes the masks of boxes in a view after {@link DetectorPredictor.candidates}.
   *
   * @param boxes `[D, 4]`, pixels of the original image, flipped if the view is
   * @param classIndices `int32 [D]`
   * @returns `[D, S, S]`, flipped if the view is; empty without mask heads
   * @throws ConfigError before the first image
   */
  async maskProbabilities(boxes: Boxes, classIndices: Int32Array, view = 0): Promise<Float32Array> {
    const seen = this.seen.at(view);
    if (!seen)
      throw new ConfigError('maskProbabilities: expected a call of candidates before, got none');
    const { arena, maps, image } = seen;
    const clock = stopwatch();
    const scaled = scaleBoxes(boxes, image.scale);
    const masks = await this.heads.masks(arena, maps, scaled, classIndices);
    this.times.masksMs += clock();
    return masks;
  }

  async release(): Promise<void> {
    await this.features.release();
    await this.heads.release();
  }

  private pasted(
    boxes: Boxes,
    probabilities: readonly Float32Array[],
    size: Size,
  ): Prediction['masks'] {
    const clock = stopwatch();
    const { maskThreshold } = this.options.thresholds;
    const masks = probabilities.map((mask, d) =>
      pasteMaskRle({ mask, box: boxes.subarray(4 * d, 4 * d + 4) }, size, maskThreshold),
    );
    this.times.pasteMs = clock();
    return masks;
  }

  private anchorsOf(sizes: readonly Size[]): Boxes {
    const key = sizes.map(({ width, height }) => `${width}x${height}`).join();
    if (this.anchors?.key !== key) {
      const boxes = pyramidAnchors(sizes, this.options.model.config.rpn.anchors);
      this.anchors = { key, boxes };
    }
    return this.anchors.boxes;
  }
}

/** Size of the image, common to all views. */
function sizeOfViews(views: readonly DetectorView[]): Size {
  if (views.length === 0) throw new ConfigError('predictViews: expected views, got none');
  const [{ originalSize: size }] = views;
  for (const { originalSize } of views) {
    if (originalSize.width !== size.width || originalSize.height !== size.height)
      throw new ConfigError(
        `predictViews: expected views of one image of ${size.width}x${size.height}, got one of ${originalSize.width}x${originalSize.height}`,
      );
  }
  return size;
}
