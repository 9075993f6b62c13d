import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import type { CompilerTarget } from '../../engine/runtime/compiled.js';
import { CompiledProgram, DEFAULT_COMPILE_OPTIONS } from '../../engine/runtime/compiled.js';
import { EagerProgram } from '../../engine/runtime/eager.js';
import { loadOnnxRuntime } from '../../engine/runtime/load-runtime.js';
import type { HostTensors } from '../../engine/runtime/program.js';
import { maxAbs, maxError } from '../helpers/fixtures.js';
import { placementOf } from './node-trace.js';
import { TRAINING_STEPS } from './training-steps.js';

/** The relative error that the fixtures allow gradients. */
const TOLERANCE = 1e-4;

/** Steps whose operators the backbone's fixture or the other steps have, too; a software adapter leaves them out. */
const CONTAINED = [
  'classifier, response norm grn',
  'classifier, response norm none',
  'dense backbone',
  'detector: features and proposals',
];

const adapter = inject('adapter');
const isSoftware = adapter.kind === 'found' && adapter.isSoftware;
const steps = TRAINING_STEPS.filter(({ name }) => !isSoftware || !CONTAINED.includes(name));
if (adapter.kind === 'none') console.warn(`WebGPU tests are skipped: ${adapter.reason}`);

describe.runIf(adapter.kind === 'found')('on WebGPU', () => {
  let target: CompilerTarget;
  beforeAll(async () => {
    tf.env().set('PROD', true); // silences tfjs's hint to install its native package
    target = { runtime: await loadOnnxRuntime(), lowering: { kind: 'portable' } };
  });

  test.each(steps)(
    "a training step is tfjs's, and all of it runs there: $name",
    async ({ run }) => {
      const expected = await run((...program) => new EagerProgram('cpu', ...program));
      let actual: HostTensors = {};
      const { numNodes, elsewhere } = await placementOf(async (profilePrefix) => {
        const options = { ...DEFAULT_COMPILE_OPTIONS, provider: 'webgpu', profilePrefix } as const;
        actual = await run((...program) => new CompiledProgram(target, ...program, options));
      });
      expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
      for (const [name, { shape, data }] of Object.entries(expected)) {
        expect(actual[name].shape, name).toEqual(shape);
        const error = maxError(actual[name].data, data) / Math.max(1e-3, maxAbs(data));
        expect(error, name).toBeLessThanOrEqual(TOLERANCE);
      }
      expect(numNodes).toBeGreaterThan(0);
      expect(elsewhere).toEqual([]);
    },
  );
});
