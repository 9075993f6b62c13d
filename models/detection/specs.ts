import type { SpecTree } from '../../engine/parameters/spec.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import type { BoxHeadSpecs } from '../../heads/box/box-head.js';
import type { FpnSpecs } from '../../heads/fpn.js';
import type { MaskHeadSpecs } from '../../heads/mask/mask-head.js';
import type { RpnSpecs } from '../../heads/rpn/rpn-head.js';

/**
 * All parameters of a two-stage detector, by the names of mmdetection. A detector with one stage has its heads' parameters
 * right at `bbox_head` and `mask_head`, one with several has them below the stage's number.
 */
export type DetectorSpecs = {
  readonly backbone: SpecTree;
  readonly neck: FpnSpecs;
  readonly rpn_head: RpnSpecs;
  readonly roi_head: {
    readonly bbox_head: BoxHeadSpecs | readonly BoxHeadSpecs[];
    /** An empty list where there are no masks. */
    readonly mask_head: MaskHeadSpecs | readonly MaskHeadSpecs[];
  };
};

/** The parameters' tensors. */
export type DetectorParams = TensorTree<DetectorSpecs>;

/** Finds a head's parameters in a detector's. */
export type HeadParams<Head> = (params: DetectorParams) => TensorTree<Head>;
