import * as tf from '../engine/tfjs.js';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Random } from '../core/random.js';
import { ParameterStore } from '../engine/parameters/store.js';
import { CompiledProgram, DEFAULT_COMPILE_OPTIONS } from '../engine/runtime/compiled.js';
import { measureGemmPeak } from '../engine/runtime/gemm-peak.js';
import { loadOnnxRuntime } from '../engine/runtime/load-runtime.js';
import { DEFAULT_SESSION_OPTIONS } from '../engine/runtime/onnx-runtime.js';
import { probeLowering } from '../engine/runtime/probe.js';
import type { HostTensor } from '../engine/runtime/program.js';
import { conv3x3 } from '../heads/conv3x3.js';
import { median } from '../core/statistics.js';
import { inFolder } from './child.js';
import { benchOptions } from './options.js';

/**
 * Times the heads' 3×3 convolutions with ONNX Runtime's profiler (sum over all nodes, including transforms), relative to
 * the machine's peak of matrix multiplication. Multiply-adds are those of the direct convolution, so Winograd's method
 * can exceed 100 %. The gradient of the weight is timed separately, with the transformed input that a training step has
 * from the forward pass.
 *
 *     npm run bench:conv3x3 -- --channels 512 --sides 128,64,32 --repeats 10
 */

const { channels, sides, repeats } = benchOptions([], {
  channels: 512,
  sides: '128,64,32',
  repeats: 10,
});

type Inputs = Readonly<Record<string, tf.Tensor>>;
const DIRECTIONS: Readonly<Record<string, (inputs: Inputs) => tf.Tensor>> = {
  forward: ({ x, w }) => conv3x3(x as tf.Tensor4D, { weight: w as tf.Tensor4D }),
  'input gradient': (inputs) => gradientsOf(inputs)[0],
  'weight gradient': (inputs) => gradientsOf(inputs)[1],
};

function gradientsOf({ x, w, dy }: Inputs): tf.Tensor[] {
  const conv = (input: tf.Tensor, weight: tf.Tensor): tf.Tensor =>
    conv3x3(input as tf.Tensor4D, { weight: weight as tf.Tensor4D });
  return tf.grads(conv)([x, w], dy);
}

function noise(seed: number, shape: readonly number[]): HostTensor {
  const random = new Random(seed);
  const data = Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => random.normal());
  return { shape, data };
}

const runtime = await loadOnnxRuntime();
const target = { runtime, lowering: await probeLowering(runtime) };
const peak = await measureGemmPeak(runtime, DEFAULT_SESSION_OPTIONS);
console.log(`matrix product: ${peak.toFixed(0)} GFLOP/s`);

for (const side of sides.split(',').map(Number)) {
  const map = [1, side, side, channels];
  const inputs = { x: noise(1, map), w: noise(2, [3, 3, channels, channels]), dy: noise(3, map) };
  for (const [name, op] of Object.entries(DIRECTIONS)) {
    const times = await inFolder(async (folder) => {
      const program = new CompiledProgram(
        target,
        { name, forward: (_: unknown, given: Inputs) => ({ y: tf.tidy(() => op(given)) }) },
        new ParameterStore({}),
        undefined,
        { ...DEFAULT_COMPILE_OPTIONS, profilePrefix: join(folder, 'p') },
      );
      for (let i = 0; i < repeats + 2; i++) await program.run(inputs);
      await program.release();
      return kernelMs(folder).slice(2);
    });
    const ms = median(times);
    const gflops = (2 * side * side * 9 * channels * channels) / ms / 1e6;
    console.log(
      `${side}x${side}x${channels} ${name}: ${ms.toFixed(1)} ms, ${gflops.toFixed(0)} GFLOP/s, ` +
        `${((100 * gflops) / peak).toFixed(0)} % of the matrix product`,
    );
  }
}

/** Total kernel time of each run in ms. */
function kernelMs(folder: string): readonly number[] {
  interface Event {
    readonly name: string;
    readonly ts: number;
    readonly dur: number;
  }
  const events = readdirSync(folder).flatMap(
    (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as Event[],
  );
  const kernels = events.filter(({ name }) => name.endsWith('_kernel_time'));
  return events
    .filter(({ name }) => name === 'model_run')
    .sort((a, b) => a.ts - b.ts)
    .map(({ ts, dur }) =>
      kernels
        .filter((kernel) => kernel.ts >= ts && kernel.ts < ts + dur)
        .reduce((sum, kernel) => sum + kernel.dur / 1000, 0),
    );
}
