import type { Lowering } from '../capture/graph-builder.js';
import { encodeModel } from '../onnx/encode-model.js';
import { int } from '../onnx/graph.js';
import { DEFAULT_SESSION_OPTIONS, openSession, type OnnxRuntime } from './onnx-runtime.js';

/**
 * Determines whether this build of ONNX Runtime has the blocked convolution kernels, and their block size: reorders four
 * channels and reads the number of channels of the result.
 *
 * @returns the `cpu` lowering, or `portable` if the kernels are missing
 */
export async function probeLowering(runtime: OnnxRuntime): Promise<Lowering> {
  if (runtime.kind === 'wasm') return { kind: 'portable' };
  const model = encodeModel({
    name: 'probe',
    nodes: [
      {
        name: 'probe',
        op: 'ReorderInput',
        domain: 'com.microsoft.nchwc',
        inputs: ['x'],
        outputs: ['y'],
        attributes: { channels_last: int(1) },
      },
    ],
    inputs: [{ name: 'x', shape: [1, 1, 1, 4], type: 'float32' }],
    outputs: [{ name: 'y', shape: [1, 16, 1, 1], type: 'float32' }],
    initializers: [],
    opsets: { '': 20, 'com.microsoft.nchwc': 1 },
  });
  try {
    const session = await openSession(runtime, model, { ...DEFAULT_SESSION_OPTIONS, threads: 1 });
    const { y } = await session.run({
      x: new runtime.ort.Tensor('float32', Float32Array.of(1, 2, 3, 4), [1, 1, 1, 4]),
    });
    await session.release();
    const blockSize = y.dims[1];
    return blockSize > 4 ? { kind: 'cpu', blockSize } : { kind: 'portable' };
  } catch {
    return { kind: 'portable' };
  }
}
