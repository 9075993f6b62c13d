import { GraphBuilder, type Lowering } from '../capture/graph-builder.js';
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
  const graph = new GraphBuilder({ kind: 'portable' });
  const x = graph.input('x', [1, 1, 1, 4], 'float32');
  const attributes = { channels_last: int(1) };
  const y = graph.contrib('com.microsoft.nchwc', 'ReorderInput', [x], [1, 16, 1, 1], attributes);
  const model = encodeModel(graph.finish('probe', { y }));
  try {
    const session = await openSession(runtime, model, { ...DEFAULT_SESSION_OPTIONS, threads: 1 });
    const result = await session.run({
      x: new runtime.ort.Tensor('float32', Float32Array.of(1, 2, 3, 4), [1, 1, 1, 4]),
    });
    await session.release();
    const blockSize = result['y'].dims[1];
    return blockSize > 4 ? { kind: 'cpu', blockSize } : { kind: 'portable' };
  } catch {
    return { kind: 'portable' };
  }
}
