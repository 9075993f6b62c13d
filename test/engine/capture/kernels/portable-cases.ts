import { CONV_CASES } from './conv-cases.js';
import { ELEMENTWISE_CASES } from './elementwise-cases.js';
import { FUSED_CASES } from './fused-cases.js';
import type { KernelTable } from './kernel-case.js';
import { PRODUCT_CASES } from './product-cases.js';
import { REDUCE_CASES } from './reduce-cases.js';
import { SHAPE_CASES } from './shape-cases.js';

/** Cases of the capture kernels that every provider runs. */
export const PORTABLE_CASES: KernelTable = {
  ...ELEMENTWISE_CASES,
  ...SHAPE_CASES,
  ...REDUCE_CASES,
  ...PRODUCT_CASES,
  ...CONV_CASES,
  ...FUSED_CASES,
};
