import { numElements } from '../../core/shape.js';
import type { OnnxGraph, OnnxType } from '../onnx/graph.js';

/** An open session, as seen by {@link SessionMemory}. */
export interface HeldSession {
  /** Estimate of its memory. */
  readonly bytes: number;
  /** Whether it runs; running sessions stay open. */
  isBusy: boolean;
  /** Frees it. */
  close(): Promise<void>;
}

/** Memory for sessions where that of the machine is unknown, as in browsers. */
const DEFAULT_BYTES = 2 ** 29;

/**
 * Memory for the sessions of an engine. Programs open as many sessions as fit, one or more each; if another one does not
 * fit, those are closed that have not been used for longest, of whichever program. Closing one costs only time: opened
 * again, it computes the same bits.
 */
export class SessionMemory {
  private readonly sessions = new Set<HeldSession>(); // in the order of last use

  /** @param limitBytes memory that all sessions may take; one session may be larger */
  constructor(readonly limitBytes: number = DEFAULT_BYTES) {}

  /** Sum of the estimates. */
  get bytes(): number {
    return [...this.sessions].reduce((sum, session) => sum + session.bytes, 0);
  }

  /** Number of open sessions. */
  get numSessions(): number {
    return this.sessions.size;
  }

  /** Closes idle sessions until one of `bytes` fits. */
  async makeRoom(bytes: number): Promise<void> {
    for (const session of [...this.sessions]) {
      if (this.bytes + bytes <= this.limitBytes) return;
      if (session.isBusy || !this.sessions.delete(session)) continue;
      await session.close();
    }
  }

  /** Adds a session, or marks it as the one used last. */
  use(session: HeldSession): void {
    this.sessions.delete(session);
    this.sessions.add(session);
  }

  /** Removes a session and frees it. */
  async close(session: HeldSession): Promise<void> {
    if (this.sessions.delete(session)) await session.close();
  }
}

/** Memory of a session for each byte of its serialized graph, measured with graphs of 550 KB: 21 MB. */
const BYTES_PER_GRAPH_BYTE = 40;

/**
 * Estimates the memory of a session without its arena: its nodes, and its copy of the constants, which some kernels keep
 * in another order, too.
 *
 * @param modelBytes size of the serialized graph
 */
export function estimateSessionBytes(graph: OnnxGraph, modelBytes: number): number {
  const constants = graph.initializers.reduce((sum, { data }) => sum + data.byteLength, 0);
  return BYTES_PER_GRAPH_BYTE * Math.max(0, modelBytes - constants) + 2 * constants;
}

const ELEMENT_BYTES: Readonly<Record<OnnxType, number>> = {
  float16: 2,
  float32: 4,
  float64: 8,
  int8: 1,
  uint8: 1,
  int32: 4,
  int64: 8,
  bool: 1,
};

/**
 * Estimates the size of an arena: the largest sum of the results that exist at the same time, each from its node to the
 * last node that reads it.
 */
export function peakBytes({ nodes, values = [], outputs }: OnnxGraph): number {
  const sizes = new Map(
    values.map(({ name, shape, type }) => [name, numElements(shape) * ELEMENT_BYTES[type]]),
  );
  const lastUse = new Map<string, number>();
  nodes.forEach((node, i) => {
    for (const name of [...node.outputs, ...node.inputs]) lastUse.set(name, i);
  });
  for (const { name } of outputs) lastUse.set(name, nodes.length);
  let [alive, peak] = [0, 0];
  nodes.forEach((node, i) => {
    for (const name of node.outputs) alive += sizes.get(name) ?? 0;
    peak = Math.max(peak, alive);
    for (const name of new Set([...node.inputs, ...node.outputs]))
      if (lastUse.get(name) === i) alive -= sizes.get(name) ?? 0;
  });
  return peak;
}
