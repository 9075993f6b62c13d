import { sum } from '../../core/statistics.js';
import { countMacs } from '../../backbone/macs.js';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import type { Size } from '../../core/boxes.js';
import type { DetectorConfig } from './config.js';

/** Sizes of a forward pass. */
interface DetectorWork {
  /** Size of the padded input. */
  readonly size: Size;
  /** Number of RoIs of the box heads; the same for every stage. */
  readonly numRois: number;
  readonly numMasks: number;
}

/**
 * Counts the multiply-adds of a detector's convolutions and linear layers for one image; every convolution is counted as
 * a direct one. RoIAlign, norms and activations are not counted.
 */
export function detectorMacs(
  backbone: ConvNeXtV2Config,
  config: DetectorConfig,
  { size, numRois, numMasks }: DetectorWork,
): number {
  const { channels: C, numClasses: K, rpn, stages, masks, boxRoiSize: P } = config;
  const cells = [4, 8, 16, 32].map((s) => Math.ceil(size.width / s) * Math.ceil(size.height / s));
  const anchorCells = sum(cells) + Math.ceil(size.width / 64) * Math.ceil(size.height / 64);
  const neck = sum(cells.map((n, i) => n * (backbone.dims[i] * C + 9 * C * C)));
  const rpnHead = anchorCells * (9 * C * C + 5 * rpn.anchors.ratios.length * C);
  const boxHeads = sum(
    stages.map(({ layers: { numConvs, numFcs, fcChannels: F }, classAgnostic }) => {
      const fcs = P * P * C * F + (numFcs - 1) * F * F + F * (K + 1 + 4 * (classAgnostic ? 1 : K));
      return numConvs * P * P * 9 * C * C + fcs;
    }),
  );
  const maskCells = (masks?.roiSize ?? 0) ** 2;
  // The last 1×1 convolution is computed only for the RoI's class.
  const maskHead = masks ? maskCells * (masks.numConvs * 9 * C * C + 4 * C * C + 4 * C) : 0;
  return (
    countMacs(backbone, [size.height, size.width]).products +
    neck +
    rpnHead +
    numRois * boxHeads +
    numMasks * stages.length * maskHead
  );
}
