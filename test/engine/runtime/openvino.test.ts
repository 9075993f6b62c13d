import { expect, test } from 'vitest';
import { EngineError } from '../../../core/errors.js';
import { CompiledProgram, DEFAULT_COMPILE_OPTIONS } from '../../../engine/runtime/compiled.js';
import { loadOnnxRuntime } from '../../../engine/runtime/load-runtime.js';
import type { OnnxRuntime } from '../../../engine/runtime/onnx-runtime.js';
import { openVinoRuntime } from '../../../engine/runtime/openvino.js';
import { ParameterStore } from '../../../engine/parameters/store.js';
import { createClassifier } from '../../../models/classifier.js';
import { maxError } from '../../helpers/fixtures.js';

class StandInTensor {
  constructor(
    readonly element: string,
    readonly shape: number[],
    readonly data: Float32Array,
  ) {}

  getShape(): number[] {
    return this.shape;
  }
}

/**
 * A stand-in for openvino-node, whose native library npm does not have: the methods of its published types, computed by
 * ONNX Runtime. It shows that the adapter calls them rightly, not what OpenVINO computes.
 */
function standIn({ ort }: OnnxRuntime, configs: object[]): unknown {
  const port = (name: string): object => ({ getAnyName: () => name });
  class Core {
    readModel(model: Uint8Array): Promise<Uint8Array> {
      return Promise.resolve(model);
    }

    async compileModel(model: Uint8Array, device: string, config: object): Promise<object> {
      configs.push({ device, ...config });
      const session = await ort.InferenceSession.create(model);
      const inferAsync = async (inputs: Record<string, StandInTensor>): Promise<object> => {
        const feeds = Object.entries(inputs).map(([name, { element, shape, data }]) => {
          expect(element).toBe('f32');
          return [name, new ort.Tensor('float32', data, shape)] as const;
        });
        const results = await session.run(Object.fromEntries(feeds));
        return Object.fromEntries(
          Object.entries(results).map(([name, { dims, data }]) => [
            name,
            new StandInTensor('f32', [...dims], data as Float32Array),
          ]),
        );
      };
      return {
        inputs: session.inputNames.map(port),
        outputs: session.outputNames.map(port),
        createInferRequest: () => ({ inferAsync }),
      };
    }
  }
  return { default: { addon: { Core, Tensor: StandInTensor } } };
}

const MODEL = createClassifier({
  backbone: { depths: [1, 1, 2, 1], dims: [4, 8, 12, 16], responseNorm: 'grn' },
  classes: 3,
  headInitScale: 1,
});

async function logitsOn(runtime: OnnxRuntime): Promise<Float32Array> {
  const store = new ParameterStore(MODEL.specs);
  store.initialize(0);
  const target = { runtime, lowering: { kind: 'portable' } } as const;
  const program = new CompiledProgram(target, MODEL.inference, store, undefined, {
    ...DEFAULT_COMPILE_OPTIONS,
    provider: runtime.kind === 'openvino' ? 'openvino' : 'cpu',
    frozen: true,
  });
  const data = Float32Array.from({ length: 2 * 64 * 96 * 3 }, (_, i) => Math.sin(i));
  const { logits } = await program.run({ image: { shape: [2, 64, 96, 3], data } });
  const values = Float32Array.from(logits.data);
  await program.release();
  return values;
}

test('frozen inference through openvino-node gives the logits of ONNX Runtime', async () => {
  const configs: object[] = [];
  const ours = await loadOnnxRuntime();
  const runtime = await openVinoRuntime({ threads: 2 }, 8, () =>
    Promise.resolve(standIn(ours, configs)),
  );
  const expected = await logitsOn(ours);
  expect(Math.max(...expected)).toBeGreaterThan(0);
  expect(maxError(await logitsOn(runtime), expected)).toBeLessThan(1e-6);
  expect(configs).toEqual([
    {
      device: 'CPU',
      INFERENCE_PRECISION_HINT: 'f32',
      INFERENCE_NUM_THREADS: '2',
      PERFORMANCE_HINT: 'LATENCY',
    },
  ]);
});

test('without the package, the error has the command that installs it', async () => {
  const missing = (): Promise<never> =>
    Promise.reject(new Error("Cannot find package 'openvino-node'\nimported from /app"));
  const error: unknown = await openVinoRuntime({ threads: 0 }, 2, missing).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(EngineError);
  expect((error as Error).message).toMatch(
    /^provider openvino: expected openvino-node, got none \(Cannot find package 'openvino-node'\); run: npm install .*openvino-node@2026\.4\.0/,
  );
});
