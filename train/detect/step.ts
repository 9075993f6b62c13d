import { sum } from '../../core/statistics.js';
import { selectProposals } from '../../core/nms-proposals.js';
import { Random } from '../../core/random.js';
import type { Executable, HostTensor, HostTensors } from '../../engine/runtime/program.js';
import { RoiMemory } from '../../heads/roi/roi-memory.js';
import { scatterPatches } from '../../heads/rpn/rpn-rows.js';
import { ROI_LEVELS } from '../../models/detection/feature-programs.js';
import {
  levelPredictions,
  mapsAsOutputs,
  pyramidOf,
} from '../../models/detection/pyramid-outputs.js';
import { globalIndex, WHOLE } from '../distributed/shard.js';
import { dropPathInput } from '../drop-path.js';
import type { DetectionBatch, DetectionInput } from '../pipelines/detect.js';
import type { Scalars, StepPosition } from '../trainer.js';
import { assertBatch } from './check-batch.js';
import { prepareTraining, type StepContext } from './parts.js';
import { RoiStep, type RoiStepResult } from './roi-step.js';
import { RpnStep, type RpnStepResult } from './rpn-step.js';
import type { Draw, RpnImage } from './rpn-targets.js';

/** Separates the random streams of a step. */
const RPN_STREAM = 0x72706e;
const ROI_STREAM = 0x726f69;

/** Options of a step's random sampling. */
export interface StepOptions {
  readonly seed: number;
  /** Drop path rate of the last block. */
  readonly dropPathRate: number;
  /** `inOrder` takes the first candidates, for comparisons that must not depend on random numbers. */
  readonly sampling: 'random' | 'inOrder';
}

/** Losses and intermediate results of a step. */
export interface DetectionStepResult {
  /** `loss`, their sum; `loss_rpn_cls`, `loss_rpn_bbox`, and those of the heads. */
  readonly losses: Scalars;
  readonly rpn: RpnStepResult;
  /** Numbers of sampled anchors. */
  readonly anchors: { readonly positives: number; readonly negatives: number };
  /** `[M, 4]` and `[M]` of every image. */
  readonly proposals: readonly ReturnType<typeof selectProposals>[];
  readonly rois: RoiStepResult;
}

/**
 * Forward and backward pass of a detector: features (graph A); targets, proposals and sampling on the host; heads on RoIs
 * and on sampled cells (graphs B), whose gradients are summed in those of the maps; and the backward pass of pyramid and
 * backbone (graph C), which recomputes their forward pass instead of keeping hundreds of megabytes. Owns sessions; calls
 * must not overlap.
 */
export class DetectionStep {
  private readonly features: Executable;
  private readonly featureGradients: Executable;
  private readonly rpn: RpnStep;
  private readonly rois: RoiStep;
  private readonly memory = new RoiMemory();

  constructor(
    private readonly context: StepContext,
    private readonly options: StepOptions,
  ) {
    const { engine, model, store } = context;
    this.features = engine.prepare(model.features, store, {});
    this.featureGradients = prepareTraining(context, model.featureGradients, {
      prefixes: ['backbone.', 'neck.'],
    });
    this.rpn = new RpnStep(context);
    this.rois = new RoiStep(context);
  }

  /**
   * Computes the losses of a batch; the gradients are in the context's buffer afterward.
   *
   * @throws ShapeError, DataError before any computation if the batch is invalid; WorkError if the network's outputs are
   *   not finite
   */
  async run(batch: DetectionBatch, position: StepPosition): Promise<DetectionStepResult> {
    const { model } = this.context;
    assertBatch(batch, model);
    const { inputs } = batch;
    const given = this.featureInputs(batch, position);
    const shape = pyramidOf(batch.shape, model.config.channels);
    const { maxPerImage } = model.config.rpn.trainProposals;
    const numObjects = inputs.reduce((sum, { objects }) => sum + objects.classIndices.length, 0);
    const bufferSizes = this.rois.bufferSizes(
      inputs.length,
      inputs.length * maxPerImage + numObjects,
    );
    const arena = this.memory.begin(shape, 2, bufferSizes);
    const maps = arena.allocateMaps();
    const mapGradients = arena.allocateMaps();
    const outputs = await this.features.run(given, mapsAsOutputs(maps));
    for (const map of mapGradients.maps) map.fill(0);

    const draw = (stream: number): Draw => this.draw(stream, position);
    const anchors = this.rpn.anchorsOf(shape);
    const proposals = inputs.map((input, n) =>
      selectProposals(
        levelPredictions(outputs, n),
        anchors,
        input,
        model.config.rpn.trainProposals,
      ),
    );
    const targets =
      batch.rpnTargets ?? this.rpn.targetsOf(shape, inputs.map(rpnImage), draw(RPN_STREAM));
    const rpn = await this.rpn.run(maps, targets);
    scatterPatches(rpn.rows, rpn.patchGradient, mapGradients);
    const [, height, width] = batch.shape;
    const rois = await this.rois.run({
      arena,
      maps,
      mapGradients,
      proposals: proposals.map(({ boxes }) => boxes),
      inputs,
      canvas: { width, height },
      draw: (stage) => draw(ROI_STREAM + stage),
    });
    await this.featureGradients.run({
      ...given,
      ...Object.fromEntries(
        ROI_LEVELS.map((level, i): [string, HostTensor] => [
          `gradient:${level}`,
          { shape: outputs[level].shape, data: mapGradients.maps[i] },
        ]),
      ),
    });
    const losses = {
      loss_rpn_cls: sum(rpn.classLosses),
      loss_rpn_bbox: sum(rpn.boxLosses),
      ...rois.losses,
    };
    const anchorCounts = {
      positives: sum(targets.map(({ positives }) => positives.length)),
      negatives: sum(targets.map(({ negatives }) => negatives.length)),
    };
    const total = { loss: sum(Object.values(losses)), ...losses };
    return { losses: total, rpn, anchors: anchorCounts, proposals, rois };
  }

  async release(): Promise<void> {
    await this.features.release();
    await this.featureGradients.release();
    await this.rpn.release();
    await this.rois.release();
  }

  private featureInputs({ images, shape }: DetectionBatch, position: StepPosition): HostTensors {
    const { dropPathRate, seed } = this.options;
    const { numBlocks } = this.context.model;
    const dropPath = dropPathInput(dropPathRate, numBlocks, shape[0], { seed, ...position });
    return { image: { shape, data: images }, ...dropPath };
  }

  private draw(stream: number, { step, micro, shard = WHOLE }: StepPosition): Draw {
    const { sampling, seed } = this.options;
    if (sampling === 'inOrder') return sampling;
    return (image) => new Random(seed, stream, step, micro, globalIndex(image, shard));
  }
}

/** Converts a batch image to the input of the RPN's targets. */
function rpnImage({ width, height, objects, ignored }: DetectionInput): RpnImage {
  return { width, height, boxes: objects.boxes, ignored };
}
