import * as tf from '@tensorflow/tfjs';
import { FUSED_KERNEL } from '../../../../engine/ops/fused-kernels.js';
import { gelu, geluAgain } from '../../../../engine/ops/gelu.js';
import { standardize } from '../../../../engine/ops/layer-norm.js';
import { FORWARD_ONLY, SHAPES, exactly, float, of, text, type KernelTable } from './kernel-case.js';

/** The ops dispatch the kernel where the backend has it, and compose it of others on tfjs's own backends. */
export const FUSED_CASES: KernelTable = {
  [FUSED_KERNEL.gelu]: [
    ...SHAPES.map((shape) => of(text(shape), float(shape), gelu)),
    of('far out', exactly([4], [-30, -6, 6, 30]), gelu),
    of('broadcast', float([1, 3]), (x) => gelu(x.tile([2, 1]))),
    of('again, for a backward pass', float([2, 3]), geluAgain, FORWARD_ONLY),
    of('uniform', float([2]), (x) => gelu(tf.ones([3, 2])).mul(x)),
  ],
  [FUSED_KERNEL.standardize]: [
    // Not of two channels: there the gradient is a difference of nearly equal numbers, and tfjs's own is off by 1e-5 or more.
    ...[...SHAPES.filter((shape) => shape.length > 0 && shape.at(-1) !== 2), [1, 2, 3, 5]].map(
      (shape) => of(text(shape), float(shape), (x) => standardize(x, 1e-3)),
    ),
    of('100 channels', float([2, 100]), (x) => standardize(x, 1e-6)),
    of('broadcast', float([1, 3]), (x) => standardize(x.tile([2, 1]), 1e-6)),
  ],
};
