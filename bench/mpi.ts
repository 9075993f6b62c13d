import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { VARIANTS, type VariantName } from '../backbone/variants.js';
import { adamW } from '../engine/optimizer/adam-w.js';
import { gradientNorm } from '../engine/optimizer/gradients.js';
import { openEngine } from '../engine/runtime/engine.js';
import { createClassifier } from '../models/classifier.js';
import { joinRanks } from '../tools/distributed.js';
import { ALLOCATOR_SETTINGS } from '../tools/relaunch.js';
import { joinReports } from '../train/distributed/totals.js';
import { median } from '../core/statistics.js';
import { trainedParameters } from '../train/benchmark.js';
import { classifierInputs } from '../train/classify/benchmark.js';
import { outputOf } from './child.js';
import { benchOptions } from './options.js';

/**
 * Measures how training a classifier scales over the cores of this machine with MPI, one thread per rank: images/s of one
 * process and of several with the same batch each, in alternating rounds, with a breakdown of a rank's time. Also times
 * the all-reduce of all gradients alone.
 *
 *     npm run bench:mpi -- --ranks 2 --batches 8,4 --rounds 3
 *
 * Needs mpiexec.openmpi or mpiexec.mpich; run it on an idle machine.
 */

const CLASSES = 1000;
const SIZE_PX = 224;
const WARM_STEPS = 2;
const ALL_REDUCES = 7;

/** Measurements of a rank; times per step. */
interface Measured {
  readonly imagesPerSecond: number;
  readonly stepMs: number;
  readonly computeMs: number;
  readonly waitMs: number;
  readonly allReduceMs: number;
  /** All-reduce of the gradients when all ranks are ready. */
  readonly bareAllReduceMs: number;
  readonly rssMiB: number;
}

const values = benchOptions([], {
  rank: false,
  model: 'tiny',
  batch: 8,
  batches: '8,4',
  ranks: 2,
  steps: 5,
  rounds: 3,
});

async function measure(size: VariantName, batch: number, steps: number): Promise<Measured> {
  const ranks = await joinRanks();
  const { communicator } = ranks;
  const backbone = VARIANTS[size];
  const model = createClassifier({ backbone, classes: CLASSES, headInitScale: 1 });
  const { buffers, store } = trainedParameters(model.specs);
  store.initialize(0);
  const own = { kind: 'compiled', provider: 'cpu', threads: 1, spinning: false } as const;
  const engine = await openEngine(own);
  const program = engine.prepare(model.training, store, {
    gradients: { of: 'loss', into: buffers.gradients },
  });
  const { image, targets } = classifierInputs(batch, SIZE_PX, CLASSES);
  const runs = [{ offset: 0, size: buffers.size, lrScale: 1, weightDecay: 0.05 }];
  let start = 0;
  let before = { ...communicator.times };
  for (let step = 1; step <= WARM_STEPS + steps; step++) {
    if (step === WARM_STEPS + 1) {
      await communicator.barrier();
      [start, before] = [performance.now(), { ...communicator.times }];
    }
    const { loss } = await program.run({ image, targets });
    await joinReports(communicator, {
      losses: { loss: loss.data[0] },
      numImages: batch,
      isStopping: false,
    });
    await communicator.allReduceSum(buffers.gradients);
    const scale = 1 / communicator.size;
    const norm = gradientNorm(buffers) * scale;
    if (!Number.isFinite(norm)) throw new Error(`step ${step}: gradient norm ${norm}`);
    adamW(buffers, runs, { lr: 1e-4, betas: [0.9, 0.999], eps: 1e-8, step, gradientScale: scale });
  }
  const stepMs = (performance.now() - start) / steps;
  const waitMs = (communicator.times.waitMs - before.waitMs) / steps;
  const allReduceMs = (communicator.times.transferMs - before.transferMs) / steps;
  const bare: number[] = [];
  for (let i = 0; i < ALL_REDUCES; i++) {
    const already = communicator.times.transferMs;
    await communicator.allReduceSum(buffers.gradients);
    bare.push(communicator.times.transferMs - already);
  }
  await program.release();
  await ranks.finish();
  return {
    imagesPerSecond: (1000 * batch * communicator.size) / stepMs,
    stepMs,
    computeMs: stepMs - waitMs - allReduceMs,
    waitMs,
    allReduceMs,
    bareAllReduceMs: median(bare),
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
  };
}

/** Runs a case in separate processes; a single rank without `mpiexec`. */
function run(mpiexec: string | undefined, ranks: number, batch: number): Measured {
  const own = [
    ...[fileURLToPath(import.meta.url), '--rank'],
    ...['--model', values.model, '--batch', batch, '--steps', values.steps],
  ];
  const flags = mpiexec?.endsWith('openmpi') ? ['--allow-run-as-root', '--oversubscribe'] : [];
  const args = mpiexec ? [...flags, '-n', ranks, process.execPath, ...own] : own;
  const stdout = outputOf(mpiexec ?? process.execPath, args, {
    OMPI_MCA_hwloc_base_binding_policy: 'none',
    GLIBC_TUNABLES: ALLOCATOR_SETTINGS,
  });
  const line = stdout.split('\n').find((text) => text.startsWith('{'));
  if (line === undefined) throw new Error(`${args.join(' ')}: ${stdout}`);
  return JSON.parse(line) as Measured;
}

function compare(): void {
  const { ranks } = values;
  const mpis = ['mpiexec.openmpi', 'mpiexec.mpich'].filter(
    (name) => spawnSync(name, ['--version']).status === 0,
  );
  const ms = (pick: (m: Measured) => number, of: readonly Measured[]): string =>
    median(of.map(pick)).toFixed(0).padStart(6);
  for (const batch of values.batches.split(',').map(Number)) {
    const alone: Measured[] = [];
    const together = new Map<string, Measured[]>(mpis.map((name) => [name, []]));
    for (let round = 0; round < values.rounds; round++) {
      alone.push(run(undefined, 1, batch));
      for (const [name, list] of together) list.push(run(name, ranks, batch));
    }
    const base = median(alone.map(({ imagesPerSecond }) => imagesPerSecond));
    console.log(`${values.model}, ${SIZE_PX} px, batch ${batch} per rank, one thread per rank`);
    console.log(`  1 process        ${base.toFixed(2)} images/s`);
    for (const [name, list] of together) {
      const rate = median(list.map(({ imagesPerSecond }) => imagesPerSecond));
      const fraction = (pick: (m: Measured) => number): string =>
        `${(100 * median(list.map((m) => pick(m) / m.stepMs))).toFixed(1)} %`;
      console.log(
        `  ${ranks} ranks ${name.slice('mpiexec.'.length).padEnd(8)} ${rate.toFixed(2)} images/s, ${(rate / base).toFixed(2)} × ` +
          `(compute ${fraction((m) => m.computeMs)}, all-reduce ${fraction((m) => m.allReduceMs)}, wait ${fraction((m) => m.waitMs)}); ` +
          `step ${ms((m) => m.stepMs, list)} ms; all-reduce alone ${ms((m) => m.bareAllReduceMs, list)} ms; ${ms((m) => m.rssMiB, list)} MiB a rank`,
      );
    }
  }
}

if (values.rank) {
  const measured = await measure(values.model as VariantName, values.batch, values.steps);
  // Only rank 0's line is used, which includes its waits for others.
  if ((process.env['OMPI_COMM_WORLD_RANK'] ?? process.env['PMI_RANK'] ?? '0') === '0')
    console.log(JSON.stringify(measured));
} else {
  compare();
}
