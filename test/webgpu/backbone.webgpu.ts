import { join } from 'node:path';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import type { ConvNeXtV2Config } from '../../backbone/variants.js';
import { ParameterStore } from '../../engine/parameters/store.js';
import { CompiledProgram, DEFAULT_COMPILE_OPTIONS } from '../../engine/runtime/compiled.js';
import { loadOnnxRuntime } from '../../engine/runtime/load-runtime.js';
import type { HostTensors } from '../../engine/runtime/program.js';
import { createClassifier } from '../../models/classifier.js';
import { discoverFixtures, maxAbs, maxError, readTensors } from '../helpers/fixtures.js';
import { fillStore, toNchw, toNhwc, torchValues } from '../helpers/layout.js';
import { expectActivation, expectGradient, readTolerances } from '../helpers/tolerance.js';
import { placementOf, type Placement } from './node-trace.js';

interface BackboneJson {
  readonly config: {
    readonly depths: ConvNeXtV2Config['depths'];
    readonly dims: ConvNeXtV2Config['dims'];
    readonly classes: number;
  };
  readonly weights: Readonly<Record<string, string>>;
  readonly tolerance: readonly string[];
}

const adapter = inject('adapter');
if (adapter.kind === 'none') console.warn(`WebGPU tests are skipped: ${adapter.reason}`);
else console.info(`WebGPU adapter: ${adapter.driver}`);

const fixtures = discoverFixtures<BackboneJson>('backbone');

describe.runIf(adapter.kind === 'found').each(fixtures)('$name on WebGPU', (fixture) => {
  const { json, tensors, folder, name } = fixture;
  const tolerances = readTolerances(json.tolerance);
  const get = (key: string): { shape: readonly number[]; data: Float32Array } => {
    const tensor = tensors.get(key);
    if (!tensor) throw new Error(`fixture ${name}: expected ${key}`);
    return { shape: tensor.shape, data: Float32Array.from(tensor.data) };
  };
  const { depths, dims, classes } = json.config;
  const model = createClassifier({
    backbone: { depths, dims, responseNorm: 'grn' },
    classes,
    headInitScale: 1,
  });
  const store = new ParameterStore(model.specs);
  const gradients = new Float32Array(store.values.length).fill(NaN);
  let outputs: HostTensors = {};
  let placement: Placement = { numNodes: 0, elsewhere: [] };

  beforeAll(async () => {
    const file = Object.values(json.weights).find((path) => path.endsWith('_official.safetensors'));
    if (!file) throw new Error(`${name}: expected an official safetensors file`);
    fillStore(store, readTensors(join(folder, file)));
    const image = get('input');
    const [n, c, h, w] = image.shape;
    const labels = get('labels').data;
    const targets = new Float32Array(n * classes);
    labels.forEach((label, i) => (targets[i * classes + label] = 1));
    const inputs: HostTensors = {
      image: { shape: [n, h, w, c], data: toNhwc(image) },
      targets: { shape: [n, classes], data: targets },
    };
    placement = await placementOf(async (profilePrefix) => {
      const program = new CompiledProgram(
        { runtime: await loadOnnxRuntime(), lowering: { kind: 'portable' } },
        model.training,
        store,
        { of: 'loss', into: gradients, inputs: ['image'] },
        { ...DEFAULT_COMPILE_OPTIONS, provider: 'webgpu', profilePrefix },
      );
      const times: number[] = [];
      for (let run = 0; run < 2; run++) {
        const start = performance.now();
        outputs = await program.run(inputs);
        times.push(Math.round(performance.now() - start));
      }
      console.info(
        `${name} [${image.shape.join(', ')}]: first step ${times[0]} ms, next ${times[1]} ms`,
      );
      await program.release();
    });
  });

  test("logits and loss are the original's", () => {
    expectActivation('logits', outputs['logits'].data, get('out.logits').data, tolerances.logits);
    expectActivation('loss', outputs['loss'].data, get('loss').data, tolerances.activation);
  });

  test("every gradient is the original's", () => {
    const checked = [...tensors.keys()].filter((key) => key.startsWith('grad.'));
    expect(checked.length).toBe(store.entries.length + 1);
    let worst = 0;
    for (const key of checked) {
      const path = key.slice('grad.'.length);
      const input = outputs['grad:image'];
      const actual =
        path === 'input' ? toNchw(input.data, input.shape) : torchValues(store, gradients, path);
      const expected = get(key).data;
      expectGradient(key, actual, expected, tolerances.gradient);
      worst = Math.max(worst, maxError(actual, expected) / Math.max(1e-3, maxAbs(expected)));
    }
    console.info(
      `${name}: largest error of a gradient ${worst.toExponential(1)} of its largest value`,
    );
  });

  test('no node is left to the CPU provider', () => {
    expect(placement.numNodes).toBeGreaterThan(0);
    expect(placement.elsewhere).toEqual([]);
  });
});
