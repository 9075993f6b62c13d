import { expect, test, vi } from 'vitest';
import { mpiAbi } from '../../../train/distributed/mpi-abi.js';
import type { MpiLibrary } from '../../../train/distributed/mpi-library.js';
import { Rendezvous } from '../../../train/distributed/rendezvous.js';

vi.mock('koffi', () => {
  throw new Error("Cannot find package 'koffi'");
});

/** Point-to-point messages between ranks in one process. */
function postOffice(size: number): readonly MpiLibrary[] {
  const mail = new Map<string, Int32Array[]>();
  const boxOf = (...address: readonly number[]): Int32Array[] => {
    const key = address.join();
    mail.set(key, mail.get(key) ?? []);
    return mail.get(key) as Int32Array[];
  };
  return Array.from({ length: size }, (_, rank) => {
    const open: { readonly into: Int32Array; readonly box: Int32Array[] }[] = [];
    const functions = {
      send: (data: Int32Array, _count: number, _type: unknown, to: number, tag: number) => {
        boxOf(rank, to, tag).push(data.slice());
        return 0;
      },
      irecv: (
        into: Int32Array,
        _count: number,
        _type: unknown,
        from: number,
        tag: number,
        _comm: unknown,
        request: Int32Array,
      ) => {
        request[0] = open.push({ into, box: boxOf(from, rank, tag) });
        return 0;
      },
      test: (request: Int32Array, flag: Int32Array) => {
        const { into, box } = open[request[0] - 1] ?? {};
        const message = box?.shift();
        if (message) into?.set(message);
        if (message) request[0] = 0;
        flag[0] = request[0] === 0 ? 1 : 0;
        return 0;
      },
    };
    return {
      file: 'test',
      version: 'test',
      abi: mpiAbi('MPICH Version:\t4.0.2', 'test'),
      functions: functions as unknown as MpiLibrary['functions'],
      constants: { world: 0, float: 0, int: 0, byte: 0, sum: 0 },
    };
  });
}

function ranks(size: number, timeoutMs: number): { all: Rendezvous[]; warnings: string[] } {
  const warnings: string[] = [];
  const patience = {
    warnAfterMs: 20,
    timeoutMs,
    onWarning: (line: string): void => void warnings.push(line),
  };
  const all = postOffice(size).map((mpi, rank) => new Rendezvous(mpi, rank, size, patience));
  all.forEach(
    (rendezvous) => (rendezvous.names = ['a, process 1', 'b, process 2', 'c, process 3']),
  );
  return { all, warnings };
}

test('nobody goes on before the last one has come', async () => {
  const { all } = ranks(3, 10_000);
  const order: string[] = [];
  const come = async (r: number): Promise<void> => {
    order.push(`come ${r}`);
    await all[r].meet('barrier', 0);
    order.push(`go ${r}`);
  };
  const first = [come(0), come(2)];
  await new Promise((done) => setTimeout(done, 30));
  expect(order).toEqual(['come 0', 'come 2']);
  await Promise.all([...first, come(1)]);
  await Promise.all([0, 1, 2].map(come)); // and again
  expect(order.slice(3, 6).sort()).toEqual(['go 0', 'go 1', 'go 2']);
});

test('the one that is missing is warned about, then named', async () => {
  const { all, warnings } = ranks(3, 500);
  const here = all[1].meet('all-reduce', 5, { what: 'gradients' });
  here.catch(() => undefined);
  await expect(all[0].meet('all-reduce', 5, { what: 'gradients' })).rejects.toThrow(
    /expected rank 2 \(c, process 3\) at the all-reduce \(gradients\) within 1 s, got nothing/,
  );
  expect(warnings[0]).toMatch(/^waiting for rank 2 \(c, process 3\) at the all-reduce/);
  await expect(here).rejects.toThrow(/expected word from rank 0 \(a, process 1\)/);
});

test('a patient one waits on', async () => {
  const { all } = ranks(2, 30);
  const here = all[0].meet('barrier', 0, { patient: true });
  await new Promise((done) => setTimeout(done, 100));
  await Promise.all([here, all[1].meet('barrier', 0)]);
  expect(all[0].nameOf(1)).toBe('rank 1 (b, process 2)');
});

test('one that came for something else is named', async () => {
  const { all } = ranks(2, 1000);
  void all[1].meet('broadcast', 7).catch(() => undefined);
  await expect(all[0].meet('all-reduce', 5)).rejects.toThrow(
    'MPI: expected rank 1 (b, process 2) at all-reduce 1 of 5 values, got it at broadcast 1 of 7',
  );
});

test('without koffi the error says how to install it', async () => {
  const { loadMpi } = await import('../../../train/distributed/mpi-library.js');
  await expect(loadMpi(['libmpi.so.40'])).rejects.toThrow(
    'MPI: expected the package koffi for runs under mpiexec, got none; npm install koffi',
  );
});
