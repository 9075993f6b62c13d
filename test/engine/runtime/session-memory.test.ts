import { totalmem } from 'node:os';
import { describe, expect, test } from 'vitest';
import { openEngine } from '../../../engine/runtime/engine.js';
import { loadOnnxRuntime } from '../../../engine/runtime/load-runtime.js';
import type { OnnxGraph } from '../../../engine/onnx/graph.js';
import {
  estimateSessionBytes,
  peakBytes,
  SessionMemory,
  type HeldSession,
} from '../../../engine/runtime/session-memory.js';

/** Sessions that note when they are closed. */
function sessions(): {
  readonly closed: string[];
  readonly session: (name: string, bytes: number) => HeldSession;
} {
  const closed: string[] = [];
  const session = (name: string, bytes: number): HeldSession => ({
    bytes,
    isBusy: false,
    close: () => Promise.resolve(void closed.push(name)),
  });
  return { closed, session };
}

describe('SessionMemory', () => {
  test('closes as many sessions as needed, least recently used first', async () => {
    const { closed, session } = sessions();
    const memory = new SessionMemory(100);
    const [a, b, c] = [session('a', 30), session('b', 30), session('c', 40)];
    for (const each of [a, b, c]) memory.use(each);
    memory.use(a);
    await memory.makeRoom(0);
    expect([memory.bytes, memory.numSessions, closed]).toEqual([100, 3, []]);
    await memory.makeRoom(31);
    expect([memory.bytes, closed]).toEqual([30, ['b', 'c']]);
    await memory.makeRoom(1000);
    expect([memory.numSessions, closed]).toEqual([0, ['b', 'c', 'a']]);
  });

  test('leaves running sessions open', async () => {
    const { closed, session } = sessions();
    const memory = new SessionMemory(10);
    const [a, b] = [session('a', 10), session('b', 10)];
    memory.use(a);
    memory.use(b);
    a.isBusy = true;
    await memory.makeRoom(10);
    expect([closed, memory.bytes]).toEqual([['b'], 10]);
    a.isBusy = false;
    await memory.makeRoom(10);
    expect(closed).toEqual(['b', 'a']);
  });

  test('closes a session only once', async () => {
    const { closed, session } = sessions();
    const memory = new SessionMemory(10);
    const a = session('a', 10);
    memory.use(a);
    await Promise.all([memory.makeRoom(10), memory.close(a), memory.close(a)]);
    expect(closed).toEqual(['a']);
  });

  test('is a part of the available memory by default', async () => {
    const { sessionBytes = 0 } = await loadOnnxRuntime();
    expect(sessionBytes).toBeGreaterThan(2 ** 20);
    expect(sessionBytes).toBeLessThan(totalmem() / 3);
  });

  test('is an option of engines, which is checked', async () => {
    for (const sessionBytes of [-1, NaN, '1' as unknown as number])
      await expect(openEngine({ kind: 'compiled', sessionBytes })).rejects.toThrow(
        `engine.sessionBytes: expected a number of bytes from 0, got ${sessionBytes}`,
      );
  });
});

/** x `[256]` → a → b → y `[256]`, where y also needs a. */
const GRAPH: OnnxGraph = (() => {
  const value = (name: string, size: number) => ({ name, shape: [size], type: 'float32' }) as const;
  const node = (inputs: string[], output: string) => ({
    name: output,
    op: 'Add',
    domain: '',
    inputs,
    outputs: [output],
    attributes: {},
  });
  return {
    name: 'chain',
    nodes: [node(['x', 'w'], 'a'), node(['a'], 'b'), node(['b'], 'c'), node(['a', 'c'], 'y')],
    inputs: [value('x', 256)],
    outputs: [value('y', 256)],
    initializers: [{ ...value('w', 256), data: new Float32Array(256) }],
    values: [value('a', 100), value('b', 200), value('c', 50), value('y', 256)],
    opsets: { '': 20 },
  };
})();

test('peakBytes is the largest sum of results alive at the same time', () => {
  // a; a and b; a, b and c; a, c and y.
  expect(peakBytes(GRAPH)).toBe(4 * Math.max(100, 300, 350, 406));
  expect(peakBytes({ ...GRAPH, values: undefined })).toBe(0);
});

test('estimateSessionBytes counts nodes, and constants twice', () => {
  expect(estimateSessionBytes(GRAPH, 1024 + 500)).toBe(40 * 500 + 2 * 1024);
});
