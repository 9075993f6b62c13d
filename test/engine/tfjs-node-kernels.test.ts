import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { EagerProgram } from '../../engine/runtime/eager.js';
import { TRAINING_STEPS } from '../webgpu/training-steps.js';

interface KernelList {
  readonly packages: readonly { readonly name: string; readonly version: string }[];
  readonly kernels: readonly string[];
}

/** Written by scripts/tfjs-node-kernels.mjs from the published packages. */
const LIST = JSON.parse(
  readFileSync(new URL('../fixtures/tfjs-node/kernels.json', import.meta.url), 'utf8'),
) as KernelList;

const RECORDER = 'recorder';
const dispatched = new Set<string>();

/** A second cpu backend whose kernels write down their names. */
function registerRecorder(): void {
  const cpu = tf.findBackend('cpu') as tf.KernelBackend;
  const Backend = cpu.constructor as new () => tf.KernelBackend;
  tf.registerBackend(RECORDER, () => new Backend(), -1);
  for (const kernel of tf.getKernelsForBackend('cpu')) {
    tf.registerKernel({
      ...kernel,
      backendName: RECORDER,
      kernelFunc: (call) => {
        dispatched.add(kernel.kernelName);
        return kernel.kernelFunc(call);
      },
    });
  }
}

describe('kernels of tfjs-node 4.22', () => {
  beforeAll(() => {
    tf.env().set('PROD', true); // silences tfjs's hint to install its native package
    registerRecorder();
  });

  test('the list matches both packages', () => {
    expect(LIST.packages.map(({ name, version }) => `${name}@${version}`)).toEqual([
      '@tensorflow/tfjs-node-gpu@4.22.0',
      '@tensorflow/tfjs-node@4.22.0',
    ]);
    expect(LIST.kernels).toEqual([...new Set(LIST.kernels)].sort());
  });

  test.each(TRAINING_STEPS)('a training step needs no others: $name', async ({ run }) => {
    dispatched.clear();
    const results = await run((...program) => new EagerProgram(RECORDER, ...program));
    expect(dispatched.size).toBeGreaterThan(5);
    for (const [name, { data }] of Object.entries(results))
      expect(data.every(Number.isFinite), name).toBe(true);
    expect([...dispatched].filter((name) => !LIST.kernels.includes(name))).toEqual([]);
  });
});
