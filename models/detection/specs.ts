import type { SpecTree } from '../../engine/parameters/spec.js';
import type { TensorTree } from '../../engine/parameters/tensors.js';
import type { BoxHeadSpecs } from '../../heads/box/box-head.js';
import type { FpnSpecs } from '../../heads/fpn.js';
import type { MaskHeadSpecs } from '../../heads/mask/mask-head.js';
import type { RpnSpecs } from '../../heads/rpn/rpn-head.js';

/**
 * All parameters of a two-stage detector, by the names of mmdetection. With one stage, the heads' parameters are directly
 * below `bbox_head` and `mask_head`; with several, below the number of the stage.
 */
export type DetectorSpecs = {
  readonly backbone: SpecTree;
  readonly neck: FpnSpecs;
  readonly rpn_head: RpnSpecs;
  readonly roi_head: {
    readonly bbox_head: BoxHeadSpecs | readonly BoxHeadSpecs[];
    /** An empty list for a detector without masks. */
    readonly mask_head: MaskHeadSpecs | readonly MaskHeadSpecs[];
  };
};

/** Tensors of the parameters. */
export type DetectorParams = TensorTree<DetectorSpecs>;

/** Selects a head's parameters from those of the detector. */
export type HeadParams<Head> = (params: DetectorParams) => TensorTree<Head>;
