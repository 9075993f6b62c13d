import type * as Ort from 'onnxruntime-common';
import { EngineError, ShapeError } from '../../core/errors.js';
import { formatShape, sameShape } from '../../core/shape.js';
import { captureGraph, type TensorSpec } from '../capture/capture.js';
import type { Lowering } from '../capture/graph-builder.js';
import { resizedInputs, sizedGraph } from '../onnx/graph-family.js';
import type { OnnxGraph, OnnxValue } from '../onnx/graph.js';
import type { ParameterStore } from '../parameters/store.js';
import { freeNow } from './free-now.js';
import type { OnnxRuntime, SessionOptions } from './onnx-runtime.js';
import { DEFAULT_SESSION_OPTIONS } from './onnx-runtime.js';
import { SessionFamily, type SizeInputs } from './session-family.js';
import { SessionMemory } from './session-memory.js';
import { OutputBuffers } from './output-buffers.js';
import {
  assertHostTensor,
  assertOutputArrays,
  elementType,
  evaluate,
  gradientName,
  type Executable,
  type GradientRequest,
  type HostTensor,
  type HostTensors,
  type OutputArrays,
  type Program,
} from './program.js';

/** Options of compilation. */
export interface CompileOptions extends SessionOptions {
  /** Stores a copy of the weights in the graph: fastest for many runs of one shape. */
  readonly frozen: boolean;
  /** Memory for sessions, shared with other programs; default: one of the program's own. */
  readonly memory?: SessionMemory | undefined;
}

/** Defaults: weights as inputs. */
export const DEFAULT_COMPILE_OPTIONS: CompileOptions = {
  ...DEFAULT_SESSION_OPTIONS,
  frozen: false,
};

/** ONNX Runtime and the lowering that suits it. */
export interface CompilerTarget {
  readonly runtime: OnnxRuntime;
  readonly lowering: Lowering;
}

/** Destination of gradients. */
export interface GradientTarget extends GradientRequest {
  /** Laid out like the parameter store; entries of parameters that are not differentiated do not change. */
  readonly into: Float32Array;
  /**
   * Frees every result when nothing needs it any more, where ONNX Runtime would keep its buffer for a later one of equal size:
   * a fifth less memory for dense models, some percent more time for short steps. On the CPU; others ignore it.
   */
  readonly freesResults?: boolean | undefined;
}

/** A combination of input shapes. */
interface Sizes extends SizeInputs {
  readonly family: SessionFamily;
  /** Outputs written to views of the gradient buffer. */
  readonly gradients: HostTensors;
  /** All other outputs. */
  readonly outputs: readonly OnnxValue[];
}

/** Number of combinations of input shapes whose constants are kept; for others the graph is traced again. */
const MAX_SIZES = 512;

/**
 * A program as ONNX Runtime sessions, on the CPU one for all combinations of input shapes whose graphs differ only in
 * sizes (see {@link SessionFamily}), elsewhere one for each. Parameters are views of the store; gradients are written to
 * the given flat buffer, other outputs to buffers that all runs share.
 */
export class CompiledProgram implements Executable {
  /** By structure of the graph. */
  private readonly families = new Map<string, SessionFamily>();
  /** By shapes of the inputs, in the order of last use. */
  private readonly sizes = new Map<string, Sizes>();
  /** Inputs of the first graph, and names of inputs that others have in another size. */
  private traced: Pick<OnnxGraph, 'inputs'> | undefined;
  private readonly resized = new Set<string>();
  private readonly weights = new WeakMap<Ort.InferenceSession, Record<string, Ort.Tensor>>();
  /** Constants computed from frozen weights, shared by graphs for several sizes. */
  private readonly folded = new Map<string, Float32Array>();
  private readonly buffers = new OutputBuffers();
  private readonly memory: SessionMemory;
  private queue: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly target: CompilerTarget,
    private readonly program: Program,
    private readonly store: ParameterStore,
    private readonly gradients?: GradientTarget,
    private readonly options: CompileOptions = DEFAULT_COMPILE_OPTIONS,
  ) {
    if (options.frozen && gradients)
      throw new EngineError(`${program.name}: expected no gradients of frozen weights`);
    this.memory = options.memory ?? new SessionMemory(target.runtime.sessionBytes);
  }

  /** Number of open sessions. */
  get numSessions(): number {
    return [...this.families.values()].filter(({ isOpen }) => isOpen).length;
  }

  async run(inputs: HostTensors, into: OutputArrays = {}): Promise<HostTensors> {
    // One run at a time: the output buffers are shared between runs.
    const turn = this.queue.then(() => this.runNow(inputs, into));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  async release(): Promise<void> {
    const turn = this.queue.then(async () => {
      for (const family of this.families.values()) await family.close();
      this.families.clear();
      this.sizes.clear();
      this.folded.clear();
      this.buffers.clear();
    });
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  /** Builds the graph for inputs of the given shapes without opening a session. */
  capture(inputs: Readonly<Record<string, TensorSpec>>): OnnxGraph {
    const entries = this.store.entries;
    const parameterInputs = Object.fromEntries(
      entries.map(({ path, spec }): [string, TensorSpec] => [
        path,
        { shape: spec.shape, type: 'float32' },
      ]),
    );
    return captureGraph({
      name: this.program.name,
      lowering: this.options.provider === 'cpu' ? this.target.lowering : { kind: 'portable' },
      inputs: { ...parameterInputs, ...inputs },
      frozen: this.options.frozen
        ? new Map(entries.map(({ path }) => [path, this.store.get(path)]))
        : new Map(),
      folded: this.folded,
      body: (tensors) => {
        const parameters = new Map(entries.map(({ path }) => [path, tensors[path]]));
        const own = Object.fromEntries(Object.keys(inputs).map((name) => [name, tensors[name]]));
        return evaluate(this.program, this.store, parameters, own, this.gradients);
      },
    });
  }

  private async runNow(inputs: HostTensors, into: OutputArrays): Promise<HostTensors> {
    for (const [name, tensor] of Object.entries(inputs))
      assertHostTensor(this.program.name, name, tensor);
    const sizes = await this.sizesOf(inputs);
    const { gradients, outputs } = sizes;
    const { Tensor } = this.target.runtime.ort;
    const results: Record<string, HostTensor> = { ...gradients };
    assertOutputArrays(this.program.name, into, new Map(outputs.map((o) => [o.name, o.shape])));
    for (const output of outputs) {
      const { name, shape } = output;
      results[name] = name in into ? { shape, data: into[name] } : this.buffers.take(output);
    }
    const fetches = Object.fromEntries(
      Object.entries(results).map(([name, result]) => [name, hostToOrt(Tensor, result)]),
    );
    await sizes.family.use(sizes, async (session, feeds) => {
      const given: Record<string, Ort.Tensor> = { ...feeds, ...this.weightsOf(session) };
      for (const [name, tensor] of Object.entries(inputs)) {
        if (session.inputNames.includes(name)) given[name] = hostToOrt(Tensor, tensor);
      }
      if (this.target.runtime.kind === 'native')
        freeCopies(await session.run(given, fetches), fetches);
      else copyResults(await session.run(given), fetches);
    });
    return results;
  }

  private async sizesOf(inputs: HostTensors): Promise<Sizes> {
    const key = Object.entries(inputs)
      .map(([name, { shape, data }]) => `${name}${formatShape(shape)}${data.constructor.name}`)
      .join(';');
    const sizes = this.sizes.get(key) ?? (await this.trace(key, inputs));
    this.sizes.delete(key);
    this.sizes.set(key, sizes);
    for (const oldest of this.sizes.keys()) {
      if (this.sizes.size <= MAX_SIZES) break;
      this.sizes.delete(oldest);
    }
    return sizes;
  }

  /** Traces the program for new shapes, and finds the family of the graph. */
  private async trace(key: string, inputs: HostTensors): Promise<Sizes> {
    const specs = Object.fromEntries(
      Object.entries(inputs).map(([name, tensor]): [string, TensorSpec] => [
        name,
        { shape: tensor.shape, type: elementType(tensor.data) },
      ]),
    );
    const sized = sizedGraph(this.capture(specs));
    const { runtime } = this.target;
    for (const name of resizedInputs(this.traced ?? sized.graph, sized.graph))
      this.resized.add(name);
    this.traced ??= { inputs: sized.graph.inputs };
    // Graphics cards need the sizes to plan memory and to choose kernels.
    const isCpu = this.options.provider === 'cpu';
    const structure = isCpu ? sized.structure : key;
    let family = this.families.get(structure);
    if (family) await family.add(sized);
    else
      family = new SessionFamily(
        runtime,
        this.options,
        this.memory,
        sized,
        isCpu ? this.resized : [],
        isCpu && this.gradients?.freesResults ? sizedInput(inputs, sized.graph) : undefined,
      );
    this.families.set(structure, family);
    const gradients: Record<string, HostTensor> = {};
    const outputs: OnnxValue[] = [];
    for (const output of sized.graph.outputs) {
      const data = this.gradientView(output.name);
      if (data) gradients[output.name] = { shape: output.shape, data };
      else outputs.push(output);
    }
    return { family, constants: sized.constants, gradients, outputs };
  }

  /** Weights as inputs of a session, those that it uses. */
  private weightsOf(session: Ort.InferenceSession): Readonly<Record<string, Ort.Tensor>> {
    const known = this.weights.get(session);
    if (known) return known;
    const { Tensor } = this.target.runtime.ort;
    const names = new Set(session.inputNames);
    const feeds: Record<string, Ort.Tensor> = {};
    for (const { path, spec } of this.store.entries) {
      if (names.has(path))
        feeds[path] = new Tensor('float32', this.store.get(path), [...spec.shape]);
    }
    this.weights.set(session, feeds);
    return feeds;
  }

  /** View of the gradient buffer that output `grad:PATH` is written to. */
  private gradientView(output: string): Float32Array | undefined {
    const { gradients, store } = this;
    if (!gradients) return undefined;
    const entry = store.entries.find(({ path }) => gradientName(path) === output);
    return entry && store.view(entry, gradients.into);
  }
}

function hostToOrt(Tensor: OnnxRuntime['ort']['Tensor'], { shape, data }: HostTensor): Ort.Tensor {
  if (data instanceof Float32Array) return new Tensor('float32', data, [...shape]);
  if (data instanceof Int32Array) return new Tensor('int32', data, [...shape]);
  return new Tensor('bool', data, [...shape]);
}

/** onnxruntime-node writes to the given tensors and returns copies of them. */
function freeCopies(
  results: Ort.InferenceSession.OnnxValueMapType,
  fetches: Record<string, Ort.Tensor>,
): void {
  const copies = Object.entries(results).map(([name, result]) => {
    const [copy, own] = [(result as Ort.Tensor).data, fetches[name].data] as ArrayBufferView[];
    return copy.buffer === own.buffer ? [] : [copy];
  });
  freeNow(copies.flat());
}

/** onnxruntime-web accepts output tensors but returns them without writing to them. */
function copyResults(
  results: Ort.InferenceSession.OnnxValueMapType,
  fetches: Record<string, Ort.Tensor>,
): void {
  for (const [name, fetch] of Object.entries(fetches)) {
    const result = results[name] as Ort.Tensor;
    if (!sameShape(result.dims, fetch.dims))
      throw new ShapeError(
        `${name}: expected ${formatShape(fetch.dims)}, got ${formatShape(result.dims)}`,
      );
    (fetch.data as Float32Array).set(result.data as Float32Array);
  }
}

/** An input of a program that its graph reads and that has axes, if there is one. */
function sizedInput(inputs: HostTensors, graph: OnnxGraph): string | undefined {
  const used = new Set(graph.nodes.flatMap((node) => node.inputs));
  return Object.keys(inputs).find((name) => used.has(name) && inputs[name].shape.length > 0);
}
