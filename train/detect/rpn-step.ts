import type { Boxes, Size } from '../../core/boxes.js';
import type { RpnTargets } from '../../core/matcher-rpn.js';
import type { Executable } from '../../engine/runtime/program.js';
import type { FeatureMaps, PyramidShape } from '../../heads/roi/feature-maps.js';
import { gatherPatches, rpnRows, type RpnRows } from '../../heads/rpn/rpn-rows.js';
import { bucketOf } from '../../models/detection/buckets.js';
import { SIZE_DIVISOR_PX } from '../../models/detection/pyramid-outputs.js';
import { totalCounts } from '../distributed/totals.js';
import { prepareTraining, type StepContext } from './parts.js';
import { RpnTargetMaker, type Draw, type RpnImage } from './rpn-targets.js';

/** Loss of the RPN. `patchGradient` holds the gradient of the maps until it is scattered. */
export interface RpnStepResult {
  /** Losses by level, P2 … P6. */
  readonly classLosses: readonly number[];
  readonly boxLosses: readonly number[];
  readonly rows: RpnRows;
  /** `[S, 9C]`; valid until the next run. */
  readonly patchGradient: Float32Array;
}

/** The RPN's loss and gradients on the sampled anchors of a batch. Owns sessions. */
export class RpnStep {
  private readonly program: Executable;
  private readonly maker: RpnTargetMaker;
  private patches = new Float32Array(0);

  constructor(private readonly context: StepContext) {
    this.program = prepareTraining(context, context.model.rpnTraining, {
      prefixes: ['rpn_head.'],
      inputs: ['patches'],
    });
    this.maker = new RpnTargetMaker(context.model.config.rpn, SIZE_DIVISOR_PX);
  }

  /** All anchors of a batch of this size. */
  anchorsOf(shape: PyramidShape): Boxes {
    return this.maker.anchorsOf(canvasOf(shape));
  }

  /** Computes the targets of a batch that has none from the data loader. */
  targetsOf(shape: PyramidShape, images: readonly RpnImage[], draw: Draw): readonly RpnTargets[] {
    return this.maker.targetsOf(images, canvasOf(shape), draw);
  }

  /** @param targets of every image */
  async run(maps: FeatureMaps, targets: readonly RpnTargets[]): Promise<RpnStepResult> {
    const { rpn } = this.context.model.config;
    const numAnchors = rpn.anchors.ratios.length;
    const largest = targets.length * rpn.sampler.numSamples;
    const rows = rpnRows(targets, maps, numAnchors, (count) => bucketOf(count, largest, 64));
    const S = rows.capacity;
    const width = 9 * maps.numChannels;
    if (this.patches.length !== S * width) this.patches = new Float32Array(S * width);
    gatherPatches(rows, maps, this.patches);
    const numSampled = targets.reduce((sum, target) => sum + target.numSampled, 0);
    const { communicator } = this.context;
    const [total] = await totalCounts(communicator, 'sampled anchors', [numSampled]);
    const outputs = await this.program.run({
      patches: { shape: [S, width], data: this.patches },
      labels: { shape: [S, numAnchors], data: rows.labels },
      labelWeights: { shape: [S, numAnchors], data: rows.labelWeights },
      deltas: { shape: [S, 4 * numAnchors], data: rows.deltas },
      deltaWeights: { shape: [S, 4 * numAnchors], data: rows.deltaWeights },
      scale: { shape: [1], data: Float32Array.of(communicator.size / total) },
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
}

/** Size of the input for maps of this size: P2 has stride 4, and inputs are multiples of 32. */
function canvasOf({ levels: [{ width, height, stride }] }: PyramidShape): Size {
  return { width: width * stride, height: height * stride };
}
