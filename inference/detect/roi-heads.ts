import type { Boxes, Size } from '../../core/boxes.js';
import { decodeBoxes, decodeBoxesOfClass } from '../../core/box-coder.js';
import type { ParameterStore } from '../../engine/parameters/store.js';
import type { Engine, PrepareOptions } from '../../engine/runtime/engine.js';
import type { Executable } from '../../engine/runtime/program.js';
import type { FeatureMaps } from '../../heads/roi/feature-maps.js';
import type { RoiArena } from '../../heads/roi/roi-memory.js';
import type { Detector } from '../../models/detector.js';
import { bucketOf, maskChunks } from '../../models/detection/buckets.js';
import { classScores, foregroundClasses } from '../../models/detection/class-scores.js';

/** Boxes and class scores of the RoIs of one image before suppression. */
export interface BoxCandidates {
  /** `[R, 4K]`, class-major, or `[R, 4]`; pixels of the network's input, clipped to the image. */
  readonly boxes: Boxes;
  /** `[R, K + 1]`, background last. */
  readonly scores: Float32Array;
}

/** RoIs and predictions of one stage. */
interface StagePredictions {
  /** `[R, 4]`: the RoIs of the stage. */
  readonly boxes: Boxes;
  /** `[R, K + 1]` */
  readonly logits: Float32Array;
  /** `[R, 4K]` or `[R, 4]` */
  readonly deltas: Float32Array;
}

/** Runs the heads of a detector on the RoIs of one image. Owns sessions. */
export class RoiHeads {
  private readonly boxHeads: readonly Executable[];
  private readonly maskHeads: readonly Executable[];

  constructor(
    engine: Engine,
    private readonly model: Detector,
    store: ParameterStore,
    options: Omit<PrepareOptions, 'gradients'>,
  ) {
    const prepare = ({ inference }: Detector['maskStages'][number]): Executable =>
      engine.prepare(inference, store, options);
    this.boxHeads = model.boxStages.map(prepare);
    this.maskHeads = model.maskStages.map(prepare);
  }

  /** Number of rows of {@link RoiHeads.boxes} for a number of proposals, including padding. */
  boxCapacity(numProposals: number): number {
    return bucketOf(numProposals, this.model.config.rpn.testProposals.maxPerImage, 32);
  }

  /**
   * Computes classes and boxes of proposals: one stage, or several that successively refine the boxes.
   *
   * @param proposals `[R, 4]`
   * @param image the un-padded image
   */
  async boxes(
    arena: RoiArena,
    maps: FeatureMaps,
    proposals: Boxes,
    image: Size,
  ): Promise<BoxCandidates & { readonly stages: readonly StagePredictions[] }> {
    const { stages, numClasses, boxRoiSize: P } = this.model.config;
    const R = proposals.length / 4;
    const capacity = this.boxCapacity(R);
    const imageIndices = new Int32Array(R);
    const seen: StagePredictions[] = [];
    let boxes = proposals;
    for (const [i, head] of this.boxHeads.entries()) {
      const rois = { boxes, imageIndices };
      const outputs = await arena.scope(() => {
        const { features } = arena.pool(maps, rois, { outputSize: P, capacity });
        const shape = [capacity, P, P, maps.numChannels];
        return head.run({ features: { shape, data: features } });
      });
      const rows = (name: string): Float32Array => {
        const { data, shape } = outputs[name];
        return (data as Float32Array).slice(0, R * shape[1]);
      };
      const [logits, deltas] = [rows('logits'), rows('deltas')];
      seen.push({ boxes, logits, deltas });
      if (i + 1 < this.boxHeads.length) {
        const classes = foregroundClasses(logits, numClasses);
        boxes = decodeBoxesOfClass(boxes, deltas, classes, { ...stages[i].coder, clip: image });
      }
    }
    const last = seen[seen.length - 1];
    const { coder } = stages[stages.length - 1];
    return {
      boxes: decodeBoxes(boxes, last.deltas, { ...coder, clip: image }),
      scores: classScores(
        seen.map(({ logits }) => logits),
        numClasses + 1,
      ),
      stages: seen,
    };
  }

  /**
   * Computes the mask probabilities of boxes, averaged over the stages.
   *
   * @param boxes `[D, 4]`
   * @param classIndices `int32 [D]`
   * @returns `[D, S, S]`; empty without mask heads
   */
  async masks(
    arena: RoiArena,
    maps: FeatureMaps,
    boxes: Boxes,
    classIndices: Int32Array,
  ): Promise<Float32Array> {
    const { masks, numClasses } = this.model.config;
    const D = classIndices.length;
    if (!masks || D === 0) return new Float32Array(0);
    const P = masks.roiSize;
    const area = (2 * P) ** 2;
    const mean = new Float32Array(D * area);
    let first = 0;
    for (const rows of maskChunks(D)) {
      const count = Math.min(rows, D - first);
      const oneHot = new Float32Array(rows * numClasses);
      for (let d = 0; d < count; d++) oneHot[d * numClasses + classIndices[first + d]] = 1;
      const rois = {
        boxes: boxes.subarray(4 * first, 4 * (first + count)),
        imageIndices: new Int32Array(count),
      };
      const part = mean.subarray(first * area, (first + count) * area);
      await arena.scope(async () => {
        const { features } = arena.pool(maps, rois, { outputSize: P, capacity: rows });
        const inputs = {
          features: { shape: [rows, P, P, maps.numChannels], data: features },
          oneHot: { shape: [rows, numClasses], data: oneHot },
        };
        for (const head of this.maskHeads) {
          const { masks: probabilities } = await head.run(inputs);
          for (let i = 0; i < part.length; i++)
            part[i] += probabilities.data[i] / this.maskHeads.length;
        }
      });
      first += count;
    }
    return mean;
  }

  async release(): Promise<void> {
    for (const program of [...this.boxHeads, ...this.maskHeads]) await program.release();
  }
}
