import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { EagerProgram } from '../../engine/runtime/eager.js';
import { loadTensorflowBackend } from '../../engine/runtime/tfjs-node.js';
import { leaveOutUnless } from '../helpers/leave-out.js';
import { expectSameResults } from '../tensorflow/same-results.js';
import { TRAINING_STEPS } from '../webgpu/training-steps.js';
import { StubLibrary } from './tfjs-node-library.js';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const FOLDER = join(ROOT, 'node_modules/.cache/convnextv2/tfjs-node-4.22.0');
const SCRIPT = join(ROOT, 'scripts/tfjs-node-kernels.mjs');
const CANNOT_REACH_REGISTRY = 3;

/** The published packages, fetched once; only their native library is replaced. */
const unpacked = spawnSync(process.execPath, [SCRIPT, '--unpack', FOLDER], { encoding: 'utf8' });
const offline = unpacked.status === CANNOT_REACH_REGISTRY;
if (!offline && unpacked.status !== 0) throw new Error(unpacked.stderr);

describe("tfjs-node 4.22's own JavaScript", () => {
  leaveOutUnless(!offline, 'the package registry is out of reach');
  const library = new StubLibrary(true);

  beforeAll(async () => {
    tf.env().set('PROD', true); // silences tfjs's hint to install its native package
    Object.assign(globalThis, { [Symbol.for('convnextv2.tfjs-node-binding')]: library });
    const require = createRequire(join(FOLDER, 'package.json'));
    const backend = await loadTensorflowBackend({
      importModule: (name) => Promise.resolve(require(name)),
    });
    expect(backend).toEqual({
      package: '@tensorflow/tfjs-node-gpu',
      usesGpu: true,
      skipped: [],
    });
  });

  test('one operation of tfjs is one operation of TensorFlow', async () => {
    await tf.setBackend('tensorflow');
    library.executed.length = 0;
    const sum = tf.tidy(() => tf.add(tf.tensor1d([1, 2]), tf.tensor1d([10, 20])).arraySync());
    expect(sum).toEqual([11, 22]);
    expect(library.executed).toEqual(['Add']);
  });

  test('a chain of operations keeps shapes, types and values', async () => {
    await tf.setBackend('tensorflow');
    library.executed.length = 0;
    const y = tf.tidy(() =>
      tf
        .tensor2d([1, -2, 3, -4, 5, 7], [2, 3])
        .relu()
        .matMul(tf.tensor2d([1, 2, 3], [3, 1]))
        .greater(10)
        .cast('int32')
        .arraySync(),
    );
    expect(y).toEqual([[0], [1]]);
    expect(library.executed).toEqual(['Relu', 'BatchMatMulV2', 'Greater', 'Cast']);
  });

  test.each(TRAINING_STEPS)(
    'a training step is that of the cpu backend: $name',
    async ({ run }) => {
      const expected = await run((...program) => new EagerProgram('cpu', ...program));
      const before = library.getNumOfTensors();
      const actual = await run((...program) => new EagerProgram('tensorflow', ...program));
      expect(library.getNumOfTensors()).toBe(before);
      expectSameResults(actual, expected);
    },
  );
});
