import type { FlatBuffers } from '../../engine/optimizer/flat-buffers.js';
import type { Communicator } from './communicator.js';

/**
 * Rank 0 fills the buffers (from a checkpoint, weights or random numbers) and broadcasts them to all ranks, so the others
 * do not need the files.
 *
 * @param prepare runs on rank 0; its result must survive JSON
 * @returns the result of `prepare`, on every rank
 */
export async function startTogether<Outcome extends object | undefined>(
  communicator: Communicator,
  buffers: FlatBuffers,
  prepare: () => Promise<Outcome>,
): Promise<Outcome> {
  if (communicator.size === 1) return prepare();
  const own = communicator.rank === 0 ? await prepare() : undefined;
  const outcome = await shareJson(communicator, own);
  const { parameters, moments, ema } = buffers;
  for (const values of [parameters, ...moments, ...(ema ? [ema] : [])])
    await communicator.broadcast(values, { what: 'parameters' });
  return outcome as Outcome;
}

/** Broadcasts rank 0's value to every rank. */
export async function shareJson<Value>(
  communicator: Communicator,
  value: Value,
): Promise<Value | undefined> {
  if (communicator.size === 1) return value;
  const own = new TextEncoder().encode(JSON.stringify(value) ?? '');
  const length = Float32Array.of(own.length);
  await communicator.broadcast(length, { what: 'state', patient: true });
  const bytes = new Uint8Array(length[0]);
  if (communicator.rank === 0) bytes.set(own);
  await communicator.broadcast(bytes, { what: 'state' });
  const text = new TextDecoder().decode(bytes);
  if (communicator.rank === 0) return value;
  return text === '' ? undefined : (JSON.parse(text) as Value);
}
