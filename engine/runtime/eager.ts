import * as tf from '../tfjs.js';
import { EngineError } from '../../core/errors.js';
import type { ParameterStore } from '../parameters/store.js';
import type { GradientTarget } from './compiled.js';
import type { Executable, HostTensor, HostTensors, OutputArrays, Program } from './program.js';
import {
  assertHostTensor,
  assertOutputArrays,
  elementType,
  evaluate,
  gradientName,
} from './program.js';

/**
 * Runs a program operation by operation on a tfjs backend: the reference for compiled programs, and the way to use
 * `@tensorflow/tfjs-node-gpu`.
 */
export class EagerProgram implements Executable {
  /** @param backend a registered tfjs backend, e.g. `cpu`, `wasm`, `tensorflow` */
  constructor(
    private readonly backend: string,
    private readonly program: Program,
    private readonly store: ParameterStore,
    private readonly gradients?: GradientTarget,
  ) {}

  async run(inputs: HostTensors, into: OutputArrays = {}): Promise<HostTensors> {
    for (const [name, tensor] of Object.entries(inputs))
      assertHostTensor(this.program.name, name, tensor);
    await useBackend(this.backend);
    const tensors: tf.Tensor[] = [];
    try {
      const own = (host: HostTensor): tf.Tensor => {
        const tensor = hostToTensor(host);
        tensors.push(tensor);
        return tensor;
      };
      const parameters = new Map(
        this.store.entries.map(({ path, spec }) => [
          path,
          own({ shape: spec.shape, data: this.store.get(path) }),
        ]),
      );
      const given = Object.fromEntries(
        Object.entries(inputs).map(([name, host]) => [name, own(host)]),
      );
      const results = tf.tidy(() =>
        evaluate(this.program, this.store, parameters, given, this.gradients),
      );
      tensors.push(...Object.values(results));
      const outputs: Record<string, HostTensor> = {};
      for (const [name, tensor] of Object.entries(results)) {
        outputs[name] = { shape: tensor.shape, data: await hostData(tensor) };
      }
      this.storeGradients(outputs);
      const shapes = Object.entries(outputs).map(([name, { shape }]) => [name, shape] as const);
      assertOutputArrays(this.program.name, into, new Map(shapes));
      for (const [name, data] of Object.entries(into)) {
        data.set(outputs[name].data);
        outputs[name] = { shape: outputs[name].shape, data };
      }
      return outputs;
    } finally {
      tf.dispose(tensors);
    }
  }

  async release(): Promise<void> {}

  private storeGradients(outputs: HostTensors): void {
    const { gradients, store } = this;
    if (!gradients) return;
    for (const entry of store.entries) {
      const gradient = outputs[gradientName(entry.path)];
      if (gradient) store.view(entry, gradients.into).set(gradient.data);
    }
  }
}

async function useBackend(name: string): Promise<void> {
  if (tf.getBackend() === name) return;
  const isKnown = tf.engine().backendNames().includes(name);
  if (!isKnown || !(await tf.setBackend(name)))
    throw new EngineError(`eager: expected the tfjs backend ${name} to start, got none`);
}

/** tfjs's cpu backend does not convert integers when it casts them to float32. */
async function hostData(tensor: tf.Tensor): Promise<HostTensor['data']> {
  const data = await tensor.data();
  const type = { int32: Int32Array, bool: Uint8Array }[tensor.dtype as string] ?? Float32Array;
  return data instanceof type ? data : type.from(data);
}

function hostToTensor({ shape, data }: HostTensor): tf.Tensor {
  // Copied, because tfjs's cpu backend would alias the caller's memory.
  return tf.tensor(data.slice(), [...shape], elementType(data));
}
