import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median } from '../core/statistics.js';

/**
 * Times this library and Debian's PyTorch 1.13 (CPU, malloc-tuned, OpenBLAS) in alternating rounds and prints the ratio of
 * the medians.
 *
 *     npm run bench:peer -- --rounds 3 --cases "infer tiny 8,train tiny 8"
 *     npm run bench:peer-detect -- --rounds 3 --cases "infer tiny 1 800,train atto 2 512"
 *     npm run bench:peer-segment -- --rounds 3 --cases "infer tiny 1 512,train tiny 1 512"
 *
 * Detection compares Mask R-CNN and torchvision's with equal backbone, padded size and numbers of sampled RoIs, candidates
 * and detections, which both print. In segmentation (UPerNet, 512 channels, 150 classes) ours returns the class of every
 * pixel, the peer the logits of every pixel. Needs `apt-get install python3-torch libopenblas0-pthread`, and
 * `python3-torchvision` for detection; run it on an idle machine.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PYTHON = '/usr/bin/python3';
/** Keeps large arrays in huge pages of one heap, for the allocator of eager PyTorch. */
const TUNED = {
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '1099511627776',
  MALLOC_TOP_PAD_: '1073741824',
};

const CASES: Readonly<Record<string, string>> = {
  classify: 'infer tiny 8,infer tiny 1,infer atto 8,train tiny 8,train atto 8',
  detect: 'infer tiny 1 800,train atto 2 512',
  segment: 'infer tiny 1 512,train tiny 1 512',
};

/** The document of `convnextv2 benchmark --json`. */
interface Own {
  readonly medianMs: number;
  readonly firstRunMs: number;
  readonly secondRunMs: number;
  readonly gflops: number;
  readonly paddedSize?: readonly number[];
  readonly counts?: Readonly<Record<string, number>>;
  readonly overheadShare?: number;
  readonly shareOfGemmPeak: number;
  readonly gemmPeakGflops: number;
  readonly peakRssBytes: number;
}

interface Peer {
  readonly ms: number;
  readonly text: string;
}

const { values } = parseArgs({
  options: {
    task: { type: 'string', default: 'classify' },
    rounds: { type: 'string', default: '3' },
    repeats: { type: 'string' },
    cases: { type: 'string' },
  },
});
const { task } = values;
const isClassify = task === 'classify';
const repeats = values.repeats ?? (isClassify ? undefined : '5');

/** Runs `convnextv2 benchmark` in a separate process. @throws Error with its output if it fails */
function own([mode, size, batch, px]: readonly string[], extra: readonly string[] = []): Own {
  const flags = ['--task', task, '--mode', mode, '--model', size, '--batch', batch, ...extra];
  if (px !== undefined) flags.push('--size', px);
  if (repeats !== undefined) flags.push('--repeats', repeats);
  const args = [join(ROOT, 'dist/tools/cli.js'), 'benchmark', '--json', ...flags];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`benchmark: ${stderr}${stdout}`);
  return JSON.parse(stdout) as Own;
}

/** Runs the peer's script. @throws Error if there is no Python or no median */
function peer([mode, ...rest]: readonly string[]): Peer {
  if (!existsSync(PYTHON)) throw new Error(`bench: expected ${PYTHON} with python3-torch`);
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ...TUNED,
    REPEAT: repeats ?? process.env['REPEAT'],
  };
  delete env['OPENBLAS_CORETYPE'];
  delete env['OPENBLAS_L2_SIZE'];
  const script = task === 'segment' ? 'torch_upernet.py' : 'torch_convnextv2.py';
  const first = task !== 'detect' ? mode : mode === 'infer' ? 'detect' : 'detect-train';
  const command = [join(ROOT, 'bench', script), first, ...rest];
  const { stdout, stderr } = spawnSync(PYTHON, command, { encoding: 'utf8', env });
  const ms = /median ([\d.]+) ms/.exec(stdout)?.[1];
  if (ms === undefined) throw new Error(`peer: expected a median, got ${stdout}${stderr}`);
  return { ms: Number(ms), text: stdout };
}

/** Additional printed values of a case. */
function details(ours: readonly Own[], theirs: readonly Peer[]): object {
  const of = (pick: (result: Own) => number): number => median(ours.map(pick));
  const gemmPeakGflops = of((result) => result.gemmPeakGflops);
  if (task === 'segment')
    return {
      gflops: of(({ gflops }) => gflops),
      gemmPeakGflops,
      peakRssMB: Math.max(...ours.map(({ peakRssBytes }) => peakRssBytes)) / 1e6,
      peerPeakMB:
        Math.max(...theirs.map(({ text }) => Number(/peak ([\d.]+) GiB/.exec(text)?.[1]))) *
        1.073741824e3,
    };
  const [{ paddedSize, counts, overheadShare }] = ours;
  return {
    shareOfGemmPeak: of(({ shareOfGemmPeak }) => shareOfGemmPeak),
    gemmPeakGflops,
    peakRssMB: of(({ peakRssBytes }) => peakRssBytes) / 1e6,
    ...(counts && {
      ours: ours.map(({ medianMs }) => Math.round(medianMs)),
      peer: theirs.map(({ ms }) => Math.round(ms)),
      firstMinusSecondMs: of(({ firstRunMs, secondRunMs }) => firstRunMs - secondRunMs),
      overheadShare: overheadShare && of((result) => result.overheadShare ?? NaN),
      oursWorkedOn: { paddedSize, ...counts },
      peerWorkedOn: theirs[0].text.split('\n')[0],
    }),
  };
}

for (const text of (values.cases ?? CASES[task]).split(',')) {
  const case_ = text.trim().split(' ');
  const isTraining = case_[0] === 'train';
  const [ours, inputs, theirs]: [Own[], number[], Peer[]] = [[], [], []];
  for (let round = 0; round < Number(values.rounds); round++) {
    // The peer's threads spin while waiting, so ours may too: no loader needs the cores.
    ours.push(own(case_, isClassify && isTraining ? ['--spin'] : []));
    if (isClassify && !isTraining) inputs.push(own(case_, ['--no-freeze']).medianMs);
    theirs.push(peer(case_));
  }
  const oursMs = median(ours.map(({ medianMs }) => medianMs));
  const peerMs = median(theirs.map(({ ms }) => ms));
  const weightsAsInputsMs = inputs.length > 0 ? median(inputs) : undefined;
  console.log(
    JSON.stringify({
      case: text.trim(),
      ...{ oursMs, weightsAsInputsMs, peerMs, ratio: peerMs / oursMs },
      ...details(ours, theirs),
    }),
  );
}
