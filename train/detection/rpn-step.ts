import { pyramidAnchors, usableAnchors } from '../../core/anchors.js';
import type { Boxes, Size } from '../../core/boxes.js';
import type { RpnTargets } from '../../core/matcher-rpn.js';
import { rpnTargets } from '../../core/matcher-rpn.js';
import type { Random } from '../../core/random.js';
import type { SpecTree } from '../../engine/parameters/spec.js';
import type { Executable } from '../../engine/runtime/program.js';
import type { FeatureMaps, PyramidShape } from '../../heads/roi/feature-maps.js';
import { anchorLevelSizes } from '../../heads/roi/feature-maps.js';
import type { RpnRows } from '../../heads/rpn/rpn-rows.js';
import { gatherPatches, rpnRows } from '../../heads/rpn/rpn-rows.js';
import { bucketOf } from '../../models/detection/buckets.js';
import { SIZE_DIVISOR_PX } from '../../models/detection/pyramid-outputs.js';
import type { StepContext } from './parts.js';
import { prepareTraining } from './parts.js';

/** What a random choice depends on; `inOrder` takes the first candidates instead, for comparisons. */
export type Draw = ((image: number) => Random) | 'inOrder';

/** An image as the RPN's targets need it. */
export interface RpnImage extends Size {
  /** `[M, 4]`, ground truth. */
  readonly boxes: Boxes;
}

/** Loss of the RPN; the gradient with respect to the maps is in `patchGradient` until it is scattered. */
export interface RpnStepResult {
  /** By level, P2 … P6. */
  readonly classLosses: readonly number[];
  readonly boxLosses: readonly number[];
  readonly rows: RpnRows;
  /** `[S, 9C]`; valid until the next run. */
  readonly patchGradient: Float32Array;
}

/** The RPN's loss and gradients on the sampled anchors of a batch. Owns sessions. */
export class RpnStep<Tree extends SpecTree> {
  private readonly program: Executable;
  private anchors: { readonly key: string; readonly boxes: Boxes } | undefined;
  private patches = new Float32Array(0);

  constructor(private readonly context: StepContext<Tree>) {
    this.program = prepareTraining(context, context.model.rpnTraining, {
      prefixes: ['rpn_head.'],
      inputs: ['patches'],
      maxSessions: 4,
    });
  }

  /** All anchors of a batch of that size. */
  anchorsOf(shape: PyramidShape): Boxes {
    const sizes = anchorLevelSizes(shape);
    const key = sizes.map(({ width, height }) => `${width}x${height}`).join();
    if (this.anchors?.key !== key) {
      const boxes = pyramidAnchors(sizes, this.context.model.config.rpn.anchors);
      this.anchors = { key, boxes };
    }
    return this.anchors.boxes;
  }

  async run(maps: FeatureMaps, images: readonly RpnImage[], draw: Draw): Promise<RpnStepResult> {
    const { rpn } = this.context.model.config;
    const numAnchors = rpn.anchors.ratios.length;
    const targets = images.map((image, n) => this.targetsOf(maps, image, n, draw));
    const largest = images.length * rpn.sampler.numSamples;
    const rows = rpnRows(targets, maps, numAnchors, (count) => bucketOf(count, largest, 64));
    const S = rows.capacity;
    const width = 9 * maps.numChannels;
    if (this.patches.length !== S * width) this.patches = new Float32Array(S * width);
    gatherPatches(rows, maps, this.patches);
    const numSampled = targets.reduce((sum, target) => sum + target.numSampled, 0);
    const outputs = await this.program.run({
      patches: { shape: [S, width], data: this.patches },
      labels: { shape: [S, numAnchors], data: rows.labels },
      labelWeights: { shape: [S, numAnchors], data: rows.labelWeights },
      deltas: { shape: [S, 4 * numAnchors], data: rows.deltas },
      deltaWeights: { shape: [S, 4 * numAnchors], data: rows.deltaWeights },
      scale: { shape: [1], data: Float32Array.of(1 / numSampled) },
    });
    const byLevel = (name: string): readonly number[] => {
      const sums = new Array<number>(rpn.anchors.strides.length).fill(0);
      rows.cells.forEach(({ level }, row) => (sums[level] += outputs[name].data[row]));
      return sums;
    };
    return {
      classLosses: byLevel('classLoss'),
      boxLosses: byLevel('boxLoss'),
      rows,
      patchGradient: outputs['grad:patches'].data as Float32Array,
    };
  }

  release(): Promise<void> {
    return this.program.release();
  }

  private targetsOf(maps: PyramidShape, image: RpnImage, n: number, draw: Draw): RpnTargets {
    const { rpn } = this.context.model.config;
    const sizes = anchorLevelSizes(maps);
    const anchors = this.anchorsOf(maps);
    const padTo = (px: number): number => Math.ceil(px / SIZE_DIVISOR_PX) * SIZE_DIVISOR_PX;
    const usable = usableAnchors(anchors, sizes, rpn.anchors, {
      padded: { width: padTo(image.width), height: padTo(image.height) },
      image,
      allowedBorderPx: rpn.allowedBorderPx,
    });
    return rpnTargets(anchors, usable, image.boxes, rpn, draw === 'inOrder' ? draw : draw(n));
  }
}
