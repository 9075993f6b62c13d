import type * as Ort from 'onnxruntime-common';
import { EngineError } from '../../core/errors.js';
import { installCommand } from '../../io/files/install-command.js';
import type { OnnxRuntime, OrtModule, SessionOptions } from './onnx-runtime.js';

const PACKAGE = 'openvino-node';
const VERSION = '2026.4.0';

/** OpenVINO's element types of the tensors that networks take and return here. */
const ELEMENTS: Readonly<Record<string, string>> = { float32: 'f32', int32: 'i32' };

/** The part of openvino-node's addon that is used. */
interface Addon {
  readonly Core: new () => Core;
  readonly Tensor: new (element: string, shape: number[], data: ArrayBufferView) => VinoTensor;
}

interface Core {
  readModel(model: Uint8Array): Promise<unknown>;
  compileModel(
    model: unknown,
    device: string,
    config: Readonly<Record<string, string>>,
  ): Promise<CompiledModel>;
}

interface CompiledModel {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  createInferRequest(): InferRequest;
}

interface Port {
  getAnyName(): string;
}

interface InferRequest {
  inferAsync(inputs: Readonly<Record<string, VinoTensor>>): Promise<Record<string, VinoTensor>>;
}

interface VinoTensor {
  readonly data: ArrayBufferView;
  getShape(): number[];
}

/** A tensor of {@link openVinoRuntime}, which holds what it is given. */
class PlainTensor {
  constructor(
    readonly type: string,
    readonly data: ArrayBufferView,
    readonly dims: readonly number[],
  ) {}
}

/**
 * Loads OpenVINO for the inference of networks as ONNX graphs. Its package is not a dependency, because installing it
 * downloads a native library.
 *
 * @param importModule imports a package by name
 * @throws EngineError with the install command if it cannot be loaded
 * @see https://www.npmjs.com/package/openvino-node
 */
export async function openVinoRuntime(
  { threads }: Pick<SessionOptions, 'threads'>,
  numCores: number,
  importModule: (name: string) => Promise<unknown> = (name) => import(/* @vite-ignore */ name),
): Promise<OnnxRuntime> {
  let addon: Addon;
  let core: Core;
  try {
    const loaded = (await importModule(PACKAGE)) as { addon?: Addon; default?: { addon?: Addon } };
    const found = loaded.addon ?? loaded.default?.addon;
    if (!found) throw new Error('it has no addon');
    addon = found;
    core = new addon.Core();
  } catch (cause) {
    const reason = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
    throw new EngineError(
      `provider openvino: expected ${PACKAGE}, got none (${reason}); run: ${installCommand(`${PACKAGE}@${VERSION}`)}, or use --provider cpu`,
      { cause },
    );
  }
  const create = async (model: Uint8Array): Promise<Ort.InferenceSession> => {
    // The results are float32 like those of the other engines; on some processors OpenVINO would choose bfloat16.
    const compiled = await core.compileModel(await core.readModel(model), 'CPU', {
      INFERENCE_PRECISION_HINT: 'f32',
      INFERENCE_NUM_THREADS: String(threads || numCores),
      PERFORMANCE_HINT: 'LATENCY',
    });
    return session(addon, compiled) as unknown as Ort.InferenceSession;
  };
  const ort = { Tensor: PlainTensor, InferenceSession: { create } } as unknown as OrtModule;
  return { kind: 'openvino', ort, numCores };
}

/** A compiled model with the methods of a session of ONNX Runtime that programs call. */
function session(addon: Addon, compiled: CompiledModel): object {
  const request = compiled.createInferRequest();
  return {
    inputNames: compiled.inputs.map((port) => port.getAnyName()),
    outputNames: compiled.outputs.map((port) => port.getAnyName()),
    run: async (feeds: Readonly<Record<string, PlainTensor>>) => {
      const inputs = Object.fromEntries(
        Object.entries(feeds).map(([name, { type, data, dims }]) => {
          const element = ELEMENTS[type];
          if (element === undefined)
            throw new EngineError(
              `provider openvino: expected float32 or int32 in ${name}, got ${type}; use --provider cpu`,
            );
          return [name, new addon.Tensor(element, [...dims], data)];
        }),
      );
      const results = await request.inferAsync(inputs);
      return Object.fromEntries(
        Object.entries(results).map(([name, tensor]) => [
          name,
          new PlainTensor(
            tensor.data instanceof Int32Array ? 'int32' : 'float32',
            tensor.data,
            tensor.getShape(),
          ),
        ]),
      );
    },
    release: () => Promise.resolve(),
  };
}
