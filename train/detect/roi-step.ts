import { gatherBoxes, type Boxes, type Size } from '../../core/boxes.js';
import { decodeBoxesOfClass } from '../../core/box-coder.js';
import type { Executable, HostTensor, HostTensors } from '../../engine/runtime/program.js';
import { BATCH_NORM_MOMENTUM } from '../../heads/conv-norm.js';
import type { FeatureMaps } from '../../heads/roi/feature-maps.js';
import type { RoiBufferSize, Rois, RoiArena } from '../../heads/roi/roi-memory.js';
import { bucketOf, largestMaskChunk, maskChunks } from '../../models/detection/buckets.js';
import { foregroundClasses } from '../../models/detection/class-scores.js';
import type { DetectionInput } from '../pipelines/detect.js';
import type { Scalars } from '../trainer.js';
import { joinMoments, updateRunningMoments, type Moments } from '../distributed/moments.js';
import { totalCounts } from '../distributed/totals.js';
import { clearGradients, GradientSum, prepareTraining, type StepContext } from './parts.js';
import { boxTargets, positiveMasks, sampleRois, type RoiBatch } from './roi-targets.js';
import type { Draw } from './rpn-targets.js';
import { SyncBnBoxHeads } from './sync-bn-box-heads.js';

/** Inputs of the heads of all stages. */
interface RoiStepInputs {
  readonly arena: RoiArena;
  readonly maps: FeatureMaps;
  /** Gradients of the maps; the step adds to them. */
  readonly mapGradients: FeatureMaps;
  /** Proposals of every image, `[M, 4]`. */
  readonly proposals: readonly Boxes[];
  readonly inputs: readonly Pick<
    DetectionInput,
    'objects' | 'ignored' | 'grid' | 'width' | 'height'
  >[];
  /** Size of the input with padding. */
  readonly canvas: Size;
  /** Of a stage. */
  readonly draw: (stage: number) => Draw;
}

/** Losses and intermediate results of all stages. */
export interface RoiStepResult {
  /** `loss_cls`, `loss_bbox`, `loss_mask`; with several stages `s0.loss_cls` and so on. Weighted. */
  readonly losses: Scalars;
  readonly stages: readonly StageRecord[];
}

/** Results of one stage. */
interface StageRecord {
  readonly rois: RoiBatch;
  /** `[R, K + 1]` */
  readonly logits: Float32Array;
  /** `[R, 4K]` or `[R, 4]` */
  readonly deltas: Float32Array;
  /** Number of rows that the box head computed. */
  readonly numBoxRows: number;
  /** Number of rows that the mask head computed; 0 without positives or masks. */
  readonly numMaskRows: number;
}

/** Forward and backward pass of box and mask heads on sampled RoIs. Owns sessions. */
export class RoiStep {
  private readonly boxHeads: readonly Executable[];
  private readonly maskHeads: readonly Executable[];
  /** For box heads with SyncBN over processes. */
  private readonly syncBn: SyncBnBoxHeads | undefined;

  constructor(private readonly context: StepContext) {
    const { model } = context;
    const prepare = ({ training, prefix }: (typeof model.maskStages)[number]): Executable =>
      prepareTraining(context, training, { prefixes: [prefix], inputs: ['features'] });
    this.boxHeads = model.boxStages.map(prepare);
    this.maskHeads = model.maskStages.map(prepare);
    const { communicator, batchNormOver = 'microBatch' } = context;
    if (batchNormOver === 'ranks' && communicator.size > 1)
      this.syncBn = new SyncBnBoxHeads(context);
  }

  /** Number of rows of the box head for a number of RoIs, including padding. */
  boxCapacity(stage: number, numImages: number, numRois: number): number {
    const { numSamples } = this.context.model.config.stages[stage].sampler;
    return bucketOf(numRois, numImages * numSamples, 64);
  }

  /**
   * Upper bound of a step's arena memory.
   *
   * @param numProposals number of proposals of the batch, including ground truths
   */
  bufferSizes(numImages: number, numProposals: number): readonly RoiBufferSize[] {
    const { boxRoiSize, masks, stages } = this.context.model.config;
    return stages.flatMap(({ sampler: { numSamples, positiveFraction } }, i) => {
      const numRois = Math.min(numProposals, numImages * numSamples);
      const numPositives = Math.min(numProposals, numImages * numSamples * positiveFraction);
      const box = { capacity: this.boxCapacity(i, numImages, numRois), outputSize: boxRoiSize };
      const mask = { capacity: largestMaskChunk(numPositives), outputSize: masks?.roiSize ?? 1 };
      return [box, mask].map((bufferSize) => ({ ...bufferSize, withGradients: true }));
    });
  }

  async run(batch: RoiStepInputs): Promise<RoiStepResult> {
    const { stages, numClasses, masks } = this.context.model.config;
    const losses: Record<string, number> = {};
    const records: StageRecord[] = [];
    let { proposals } = batch;
    for (const [i, stage] of stages.entries()) {
      const name = (term: string): string => (stages.length === 1 ? term : `s${i}.${term}`);
      const rois = sampleRois(proposals, batch.inputs, stage, numClasses, batch.draw(i));
      const normalizer = await this.lossNormalizers(i, rois);
      const box = await this.boxes(i, rois, batch, normalizer.box);
      losses[name('loss_cls')] = box.classLoss;
      losses[name('loss_bbox')] = box.boxLoss;
      const mask = masks
        ? await this.masks(i, rois, batch, normalizer.mask)
        : { loss: 0, numMaskRows: 0 };
      if (masks) losses[name('loss_mask')] = mask.loss;
      const { logits, deltas, numBoxRows } = box;
      records.push({ rois, logits, deltas, numBoxRows, numMaskRows: mask.numMaskRows });
      if (i + 1 < stages.length) proposals = this.refined(i, records[i], batch.inputs);
    }
    return { losses, stages: records };
  }

  async release(): Promise<void> {
    for (const program of [...this.boxHeads, ...this.maskHeads]) await program.release();
    await this.syncBn?.release();
  }

  /** Factors of the summed box and mask losses: their weights divided by the counts of all processes. */
  private async lossNormalizers(
    i: number,
    { numRois, positives }: RoiBatch,
  ): Promise<{ readonly box: number; readonly mask: number }> {
    const { model, communicator } = this.context;
    const counts = await totalCounts(communicator, 'rois', [numRois, positives.length]);
    const { weight } = model.config.stages[i];
    const [box, mask] = counts.map((n) => (communicator.size * weight) / Math.max(n, 1));
    return { box, mask };
  }

  private async boxes(
    i: number,
    rois: RoiBatch,
    { arena, maps, mapGradients }: RoiStepInputs,
    normalizer: number,
  ): Promise<Omit<StageRecord, 'rois' | 'numMaskRows'> & { classLoss: number; boxLoss: number }> {
    const { boxRoiSize: P, stages } = this.context.model.config;
    const stage = stages[i];
    const R = rois.numRois;
    const capacity = this.boxCapacity(i, maps.numImages, R);
    const targets = boxTargets(rois, stage, capacity);
    const outputs = await arena.scope(async () => {
      const { plan, features } = arena.pool(maps, rois, { outputSize: P, capacity });
      const gradient = arena.float32(features.length);
      const values = {
        features: { shape: [capacity, P, P, maps.numChannels], data: features },
        labels: { shape: [capacity], data: targets.labels },
        targets: { shape: [capacity, 4], data: targets.targets },
        targetWeights: { shape: [capacity], data: targets.targetWeights },
        references: { shape: [capacity, 4], data: targets.references },
        scale: { shape: [1], data: Float32Array.of(normalizer) },
      };
      const results = await this.boxHead(i, R, values, gradient);
      arena.unpool(plan, gradient, mapGradients);
      return results;
    });
    const rows = ({ data, shape }: HostTensor): Float32Array =>
      (data as Float32Array).slice(0, R * shape[1]);
    return {
      classLoss: outputs['classLoss'].data[0],
      boxLoss: outputs['boxLoss'].data[0],
      logits: rows(outputs['logits']),
      deltas: rows(outputs['deltas']),
      numBoxRows: capacity,
    };
  }

  private async masks(
    i: number,
    rois: RoiBatch,
    { arena, maps, mapGradients, inputs, canvas }: RoiStepInputs,
    normalizer: number,
  ): Promise<{ readonly loss: number; readonly numMaskRows: number }> {
    const { model } = this.context;
    const { masks, numClasses } = model.config;
    const numPositives = rois.positives.length;
    if (!masks || numPositives === 0) {
      clearGradients(this.context, [model.maskStages[i].prefix]);
      return { loss: 0, numMaskRows: 0 };
    }
    const P = masks.roiSize;
    const maskSize = 2 * P;
    const targets = positiveMasks(rois, inputs, { maskSize, canvas });
    const scale = normalizer / maskSize ** 2;
    const sum = new GradientSum(this.context, model.maskStages[i].prefix);
    let loss = 0;
    let first = 0;
    for (const rows of maskChunks(numPositives)) {
      const chosen = rois.positives.subarray(first, first + rows);
      const chunk = maskChunk(rois, chosen, numClasses, rows);
      const chunkTargets = new Float32Array(rows * maskSize ** 2);
      chunkTargets.set(
        targets.subarray(first * maskSize ** 2, (first + chosen.length) * maskSize ** 2),
      );
      await arena.scope(async () => {
        const { plan, features } = arena.pool(maps, chunk, { outputSize: P, capacity: rows });
        const gradient = arena.float32(features.length);
        const values = {
          features: { shape: [rows, P, P, maps.numChannels], data: features },
          oneHot: { shape: [rows, numClasses], data: chunk.oneHot },
          targets: { shape: [rows, maskSize, maskSize], data: chunkTargets },
          weights: { shape: [rows], data: chunk.weights },
          scale: { shape: [1], data: Float32Array.of(scale) },
        };
        const results = await this.maskHeads[i].run(values, { 'grad:features': gradient });
        arena.unpool(plan, gradient, mapGradients);
        loss += results['loss'].data[0];
      });
      first += chosen.length;
      sum.add(first === numPositives);
    }
    return { loss, numMaskRows: maskChunks(numPositives).reduce((a, b) => a + b) };
  }

  /** Computes the proposals of the next stage: boxes refined by the deltas of their class, without ground truths. */
  private refined(
    i: number,
    { rois, logits, deltas }: StageRecord,
    inputs: readonly Size[],
  ): readonly Boxes[] {
    const { stages, numClasses } = this.context.model.config;
    const perRow = rois.numRois === 0 ? 4 : deltas.length / rois.numRois;
    const likeliest = foregroundClasses(logits, numClasses);
    let at = 0;
    return rois.images.map(({ boxes, classIndices, isGroundTruth }, n) => {
      const first = at;
      at += classIndices.length;
      const classes = classIndices.map((k, r) => (k === numClasses ? likeliest[first + r] : k));
      const own = deltas.subarray(first * perRow, at * perRow);
      const refined = decodeBoxesOfClass(boxes, own, classes, {
        ...stages[i].coder,
        clip: inputs[n],
      });
      const kept = Int32Array.from(isGroundTruth.keys()).filter((r) => isGroundTruth[r] === 0);
      return gatherBoxes(refined, kept);
    });
  }

  /**
   * Runs a box head, and updates the running statistics of its batch norms with the statistics over all processes.
   *
   * @param gradient receives the gradient of the input `features`
   */
  private async boxHead(
    i: number,
    numRois: number,
    inputs: HostTensors,
    gradient: Float32Array,
  ): Promise<HostTensors> {
    const { model, communicator } = this.context;
    const { numConvs } = model.config.stages[i].layers;
    const into = { 'grad:features': gradient };
    if (numConvs === 0) return this.boxHeads[i].run(inputs, into);
    if (this.syncBn) {
      const { outputs, moments } = await this.syncBn.run(i, inputs, numRois);
      gradient.set(outputs['grad:features'].data as Float32Array);
      moments.forEach((seen, conv) => this.updateStatistics(i, conv, seen));
      return outputs;
    }
    const [capacity, P] = inputs['features'].shape;
    const fractions = fractionsOf(numRois, capacity, P * P);
    const outputs = await this.boxHeads[i].run({ ...inputs, fractions }, into);
    for (let conv = 0; conv < numConvs; conv++) {
      const seen = await joinMoments(communicator, {
        mean: outputs[`mean${conv}`].data as Float32Array,
        variance: outputs[`variance${conv}`].data as Float32Array,
        count: numRois * P * P,
      });
      this.updateStatistics(i, conv, seen);
    }
    return outputs;
  }

  private updateStatistics(i: number, conv: number, moments: Moments): void {
    const { model, store } = this.context;
    const norm = `${model.boxStages[i].prefix}shared_convs.${conv}.bn`;
    updateRunningMoments(store, norm, moments, BATCH_NORM_MOMENTUM);
  }
}

/** Weights of the pixels in the statistics of a batch norm: equal for those of RoIs, 0 for the padding. */
function fractionsOf(numRois: number, capacity: number, pixels: number): HostTensor {
  const fractions = new Float32Array(capacity * pixels);
  fractions.fill(1 / Math.max(1, numRois * pixels), 0, numRois * pixels);
  return { shape: [1, capacity * pixels], data: fractions };
}

/** Positives of a run of the mask head, padded to a number of rows. */
function maskChunk(
  { boxes, imageIndices, classIndices }: RoiBatch,
  chosen: Int32Array,
  numClasses: number,
  rows: number,
): Rois & { readonly oneHot: Float32Array; readonly weights: Float32Array } {
  const oneHot = new Float32Array(rows * numClasses);
  chosen.forEach((r, p) => (oneHot[p * numClasses + classIndices[r]] = 1));
  return {
    boxes: gatherBoxes(boxes, chosen),
    imageIndices: chosen.map((r) => imageIndices[r]),
    oneHot,
    weights: new Float32Array(rows).fill(1, 0, chosen.length),
  };
}
