/**
 * Standard ONNX operators that ONNX Runtime 1.30 does not run on WebGPU, for any type. It leaves their nodes to the CPU
 * without a word, at the price of two copies. Kernels that no model dispatches may use them.
 */
export const NOT_ON_WEBGPU: readonly string[] = ['LogSoftmax', 'Or', 'Round', 'Sign'];
