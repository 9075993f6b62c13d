import { describe, expect, test } from 'vitest';
import { updateRunningStatistics } from '../../train/segment/running-statistics.js';
import { SINGLE_PROCESS } from '../../train/distributed/communicator.js';
import { discoverFixtures, type FixtureTensor } from '../helpers/fixtures.js';
import { toNchw, torchValues } from '../helpers/layout.js';
import { RUNTIMES, executable } from '../helpers/runtimes.js';
import { expectActivation, expectGradient, readTolerances } from '../helpers/tolerance.js';
import { maxError } from '../helpers/fixtures.js';
import { statedTolerance } from './stated-tolerance.js';
import { fixtureImage, fixtureModel, type UperNetJson } from './upernet-fixture.js';

const fixtures = discoverFixtures<UperNetJson>('upernet_train');

describe.each(fixtures)('$name', (fixture) => {
  const { name, json, tensors } = fixture;
  const get = (key: string): FixtureTensor => {
    const tensor = tensors.get(key);
    if (!tensor) throw new Error(`fixture ${name}: expected ${key}`);
    return tensor;
  };
  const tolerances = readTolerances(json.tolerance);

  test.each(RUNTIMES)(
    "losses, logits, running statistics and gradients are the original's: %s",
    { timeout: 240_000 },
    async (runtime) => {
      const { model, store } = fixtureModel(fixture);
      const gradients = new Float32Array(store.values.length).fill(NaN);
      const program = await executable(runtime, model.training, store, {
        of: 'loss',
        into: gradients,
      });
      const labels = get('train.labels');
      const outputs = await program.run({
        image: fixtureImage(get('train.images_u8')),
        labels: { shape: labels.shape, data: Int32Array.from(labels.data) },
      });

      for (const [output, key] of [
        ['logits', 'train.logits'],
        ['auxiliaryLogits', 'train.aux_logits'],
      ] as const) {
        const { data, shape } = outputs[output];
        expectActivation(key, toNchw(data, shape), get(key).data, tolerances.activation);
      }
      const relative = statedTolerance(json, 'losses');
      for (const [output, key] of [
        ['loss', 'train.loss_total'],
        ['lossDecode', 'train.loss_decode'],
        ['lossAuxiliary', 'train.loss_aux'],
      ] as const) {
        const [expected] = get(key).data;
        expect(Math.abs(outputs[output].data[0] - expected), key).toBeLessThanOrEqual(
          relative * expected,
        );
      }
      for (const { path } of store.entries.filter(({ spec }) => spec.trainable)) {
        const actual = torchValues(store, gradients, path);
        expectGradient(path, actual, get(`train.grad.${path}`).data, tolerances.gradient);
      }

      const momentum = json.config.bn?.momentum ?? 0.1;
      await updateRunningStatistics(store, [outputs], momentum, SINGLE_PROCESS);
      const running = store.entries.filter(({ path }) => /\.running_(mean|var)$/.test(path));
      expect(running.length).toBeGreaterThan(0);
      for (const { path } of running) {
        const error = maxError(store.get(path), get(`train.after.${path}`).data);
        expect(error, path).toBeLessThanOrEqual(statedTolerance(json, 'running statistics'));
      }
      await program.release();
    },
  );
});
