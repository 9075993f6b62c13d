import type { Communicator } from '../../../train/distributed/communicator.js';

/** Several ranks in one process: their collectives resolve when all have called them. */
export function ranksInOne(size: number): readonly Communicator[] {
  const waiting: { readonly values: Float32Array | Uint8Array; readonly done: () => void }[] = [];
  let gathered: readonly Uint8Array[] = [];
  const meet = (
    rank: number,
    values: Float32Array | Uint8Array,
    combine: (all: readonly (Float32Array | Uint8Array)[]) => unknown,
  ): Promise<void> =>
    new Promise((done) => {
      waiting[rank] = { values, done };
      if (waiting.filter(Boolean).length < size) return;
      const all = waiting.splice(0);
      combine(all.map((entry) => entry.values));
      all.forEach((entry) => entry.done());
    });
  return Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    times: { waitMs: 0, transferMs: 0 },
    allReduceSum: (values) =>
      meet(rank, values, (all) => {
        const sum = all[0].map((_, i) => all.reduce((total, own) => total + own[i], 0));
        all.forEach((own) => own.set(sum));
      }),
    broadcast: (values) => meet(rank, values, (all) => all.forEach((own) => own.set(all[0]))),
    gather: async (bytes) => {
      await meet(rank, bytes, (all) => (gathered = all.map((own) => Uint8Array.from(own))));
      return gathered;
    },
    barrier: () => meet(rank, new Uint8Array(0), () => undefined),
  }));
}
