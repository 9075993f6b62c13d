/**
 * Operators that ONNX Runtime 1.30 does not run on WebGPU. It leaves such nodes to the CPU without a warning, at the price of a copy in
 * each direction; results stay right.
 */

/** Standard ONNX operators that it has for no type. No model may need them. */
export const NOT_ON_WEBGPU: readonly string[] = ['LogSoftmax', 'Or', 'Round', 'Sign'];

/** Operators that it has for float32, but not for booleans or integers: harmless for labels and masks of a few bytes. */
export const ONLY_FLOATS_ON_WEBGPU: readonly string[] = [
  'Abs',
  'Cast', // to and from int64
  'Concat',
  'Equal',
  'Neg',
  'Pad',
  'Relu',
  'Slice',
  'Split',
  'Transpose',
];
