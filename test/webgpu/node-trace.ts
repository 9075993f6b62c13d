import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** An event of ONNX Runtime's Chrome trace. */
interface TraceEvent {
  readonly cat: string;
  readonly name: string;
  readonly args?: { readonly op_name?: string; readonly provider?: string };
}

/** Devices on which nodes ran. */
export interface Placement {
  /** Number of nodes that ran. */
  readonly numNodes: number;
  /** `OP NODE` of those that another provider than WebGPU ran: ONNX Runtime moves them without a word. */
  readonly elsewhere: readonly string[];
}

/**
 * Runs `body` with a prefix for the traces of its sessions, and reads the traces when the sessions are closed.
 */
export async function placementOf(
  body: (profilePrefix: string) => Promise<void>,
): Promise<Placement> {
  const folder = mkdtempSync(join(tmpdir(), 'convnextv2-webgpu-'));
  try {
    await body(join(folder, 'trace'));
    const events = readdirSync(folder).flatMap(
      (file) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as TraceEvent[],
    );
    const nodes = events.filter(({ cat, args }) => cat === 'Node' && args?.provider !== undefined);
    const elsewhere = nodes
      .filter(({ args }) => args?.provider !== 'WebGpuExecutionProvider')
      .map(({ name, args }) => `${args?.op_name} ${name}`);
    return { numNodes: nodes.length, elsewhere: [...new Set(elsewhere)] };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
