import type * as Ort from 'onnxruntime-common';
import { encodeModel } from '../onnx/encode-model.js';
import { GraphFamily, type SizedGraph } from '../onnx/graph-family.js';
import { withHiddenSizes } from '../onnx/hidden-sizes.js';
import type { OnnxInitializer } from '../onnx/graph.js';
import type { OnnxRuntime, SessionOptions } from './onnx-runtime.js';
import { openSession } from './onnx-runtime.js';
import {
  estimateSessionBytes,
  peakBytes,
  type HeldSession,
  type SessionMemory,
} from './session-memory.js';

/** A session that is open. */
interface OpenSession extends HeldSession {
  readonly session: Ort.InferenceSession;
}

/** Inputs of the session that are not the program's: what one combination of input shapes has as constants. */
export interface SizeInputs {
  readonly constants: SizedGraph['constants'];
  /** Tensors for the session of a version of the family. */
  tensors?: { readonly version: number; readonly feeds: Readonly<Record<string, Ort.Tensor>> };
}

/**
 * The session of all graphs of one structure, opened when it is needed; closed to make room, it opens again. A graph that
 * differs from the earlier ones in another constant opens it anew, which soon does not happen any more.
 */
export class SessionFamily {
  private readonly graphs: GraphFamily;
  private open: OpenSession | undefined;
  private version = 0;
  /** Size of the session's arena, if it has one of its own. */
  private arenaBytes = 0;

  constructor(
    private readonly runtime: OnnxRuntime,
    private readonly options: SessionOptions,
    private readonly memory: SessionMemory,
    first: SizedGraph,
    resizedInputs: Iterable<string>,
    /** Input by which sizes of results are hidden, see {@link withHiddenSizes}; default: ONNX Runtime knows them. */
    private readonly hidingInput?: string | undefined,
  ) {
    this.graphs = new GraphFamily(first, resizedInputs);
    this.enlargeArena(first);
  }

  /** Whether the session is open. */
  get isOpen(): boolean {
    return this.open !== undefined;
  }

  /** Adds a graph, which has the structure of the first one. */
  async add(graph: SizedGraph): Promise<void> {
    this.enlargeArena(graph);
    if (!this.graphs.add(graph)) return;
    this.version++;
    await this.close();
  }

  /** Opens the session if necessary, and runs `body` while it stays open. */
  async use<T>(
    sizes: SizeInputs,
    body: (
      session: Ort.InferenceSession,
      feeds: Readonly<Record<string, Ort.Tensor>>,
    ) => Promise<T>,
  ): Promise<T> {
    this.open ??= await this.create();
    const { open } = this;
    open.isBusy = true;
    this.memory.use(open);
    try {
      return await body(open.session, this.feedsOf(sizes));
    } finally {
      open.isBusy = false;
    }
  }

  /** Closes the session. */
  async close(): Promise<void> {
    if (this.open) await this.memory.close(this.open);
  }

  private async create(): Promise<OpenSession> {
    const { memory, hidingInput } = this;
    const { graph } = this.graphs;
    const model = encodeModel(
      hidingInput === undefined ? graph : withHiddenSizes(graph, hidingInput),
    );
    const bytes = estimateSessionBytes(graph, model.length);
    await memory.makeRoom(bytes + this.arenaBytes);
    const session = await this.openWith(model, hidingInput !== undefined).catch(
      (error: unknown) => {
        // An optimization of ONNX Runtime that takes sizes to be known must not keep a graph from running.
        if (hidingInput === undefined) throw error;
        return this.openWith(encodeModel(graph), false);
      },
    );
    const close = async (): Promise<void> => {
      this.open = undefined;
      await session.release();
    };
    const sizeNow = (): number => bytes + this.arenaBytes;
    return {
      session,
      close,
      isBusy: false,
      get bytes() {
        return sizeNow();
      },
    };
  }

  private openWith(model: Uint8Array, keepsReshapes: boolean): Promise<Ort.InferenceSession> {
    return openSession(this.runtime, model, { ...this.options, keepsReshapes });
  }

  private enlargeArena({ graph }: SizedGraph): void {
    const { ownArena, provider } = this.options;
    if (ownArena || provider !== 'cpu')
      this.arenaBytes = Math.max(this.arenaBytes, peakBytes(graph));
  }

  private feedsOf(sizes: SizeInputs): Readonly<Record<string, Ort.Tensor>> {
    const { version } = this;
    if (sizes.tensors?.version !== version) {
      const { Tensor } = this.runtime.ort;
      const inputs = [...this.graphs.inputsOf(sizes.constants)];
      const feeds = Object.fromEntries(
        inputs.map(([name, value]) => [name, tensorOf(Tensor, value)]),
      );
      sizes.tensors = { version, feeds };
    }
    return sizes.tensors.feeds;
  }
}

function tensorOf(
  Tensor: OnnxRuntime['ort']['Tensor'],
  { type, data, shape }: OnnxInitializer,
): Ort.Tensor {
  return new Tensor(type, data as Float32Array, [...shape]) as Ort.Tensor;
}
