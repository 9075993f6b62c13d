import { GraphBuilder } from '../capture/graph-builder.js';
import { encodeModel } from '../onnx/encode-model.js';
import { openSession, type OnnxRuntime, type SessionOptions } from './onnx-runtime.js';

const SIZE = 2048;
const RUNS = 10;

/**
 * Measures the peak of matrix multiplication on this machine in this process: the best of ten float32 products of 2048 ×
 * 2048 matrices, in GFLOP/s. Other timings are compared with it.
 */
export async function measureGemmPeak(
  runtime: OnnxRuntime,
  options: SessionOptions,
): Promise<number> {
  const shape = [SIZE, SIZE];
  const graph = new GraphBuilder({ kind: 'portable' });
  const operands = ['a', 'b'].map((name) => graph.input(name, shape, 'float32'));
  const model = encodeModel(graph.finish('gemm', { y: graph.node('MatMul', operands, shape) }));
  const session = await openSession(runtime, model, options);
  const tensor = (fill: number): InstanceType<OnnxRuntime['ort']['Tensor']> =>
    new runtime.ort.Tensor('float32', new Float32Array(SIZE * SIZE).fill(fill), shape);
  const feeds = { a: tensor(0.5), b: tensor(0.25) };
  const fetches = { y: tensor(0) };
  let best = Infinity;
  for (let run = 0; run <= RUNS; run++) {
    const start = performance.now();
    await session.run(feeds, fetches);
    if (run > 0) best = Math.min(best, performance.now() - start);
  }
  await session.release();
  return (2 * SIZE ** 3) / best / 1e6;
}
