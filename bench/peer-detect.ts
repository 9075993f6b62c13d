import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * Times Mask R-CNN and torchvision's on Debian's PyTorch 1.13 (CPU, malloc-tuned, OpenBLAS) in alternating rounds with
 * equal backbone, padded size and numbers of sampled RoIs, candidates and detections, which both print. Prints the ratio
 * of the medians.
 *
 *     node dist/bench/peer-detect.js --rounds 3 --cases "infer tiny 1 800,train atto 2 512"
 *
 * Needs `apt-get install python3-torch python3-torchvision libopenblas0-pthread`; run it on an idle machine.
 */

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const CLI = join(ROOT, 'dist/tools/cli.js');
const PEER = join(ROOT, 'bench/torch_convnextv2.py');
const PYTHON = '/usr/bin/python3';
const CASES = 'infer tiny 1 800,train atto 2 512';
const TUNED = {
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '1099511627776',
  MALLOC_TOP_PAD_: '1073741824',
};

interface Case {
  readonly mode: string;
  readonly size: string;
  readonly batch: string;
  readonly px: string;
}

interface OwnResult {
  readonly medianMs: number;
  readonly firstRunMs: number;
  readonly secondRunMs: number;
  readonly paddedSize: readonly number[];
  readonly counts: Readonly<Record<string, number>>;
  readonly overheadShare?: number;
  readonly shareOfGemmPeak: number;
  readonly gemmPeakGflops: number;
  readonly peakRssBytes: number;
}

function own({ mode, size, batch, px }: Case, repeats: string): OwnResult {
  const flags = ['--task', 'detect', '--mode', mode, '--model', size, '--batch', batch];
  const args = [CLI, 'benchmark', '--json', ...flags, '--size', px, '--repeats', repeats];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`benchmark: ${stderr}`);
  return JSON.parse(stdout) as OwnResult;
}

function peer({ mode, size, batch, px }: Case, repeats: string): { ms: number; says: string } {
  const environment: NodeJS.ProcessEnv = { ...process.env, ...TUNED, REPEAT: repeats };
  delete environment['OPENBLAS_CORETYPE'];
  delete environment['OPENBLAS_L2_SIZE'];
  const name = mode === 'infer' ? 'detect' : 'detect-train';
  const { stdout, stderr } = spawnSync(PYTHON, [PEER, name, size, batch, px], {
    encoding: 'utf8',
    env: environment,
  });
  const median = /median ([\d.]+) ms/.exec(stdout)?.[1];
  if (median === undefined) throw new Error(`peer: expected a median, got ${stdout}${stderr}`);
  return { ms: Number(median), says: stdout.split('\n')[0] };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    repeats: { type: 'string', default: '5' },
    cases: { type: 'string', default: CASES },
  },
});
if (!existsSync(PYTHON)) throw new Error(`peer-detect: expected ${PYTHON} with python3-torch`);

for (const text of values.cases.split(',')) {
  const [mode, size, batch, px] = text.trim().split(' ');
  const case_: Case = { mode, size, batch, px };
  const ours: OwnResult[] = [];
  const theirs: { readonly ms: number; readonly says: string }[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    ours.push(own(case_, values.repeats));
    theirs.push(peer(case_, values.repeats));
  }
  const of = (pick: (result: OwnResult) => number): number => median(ours.map(pick));
  const oursMs = of(({ medianMs }) => medianMs);
  const peerMs = median(theirs.map(({ ms }) => ms));
  const [{ paddedSize, counts, overheadShare }] = ours;
  console.log(
    JSON.stringify({
      case: text.trim(),
      oursMs,
      peerMs,
      ratio: peerMs / oursMs,
      ours: ours.map(({ medianMs }) => Math.round(medianMs)),
      peer: theirs.map(({ ms }) => Math.round(ms)),
      shareOfGemmPeak: of(({ shareOfGemmPeak }) => shareOfGemmPeak),
      gemmPeakGflops: of(({ gemmPeakGflops }) => gemmPeakGflops),
      firstMinusSecondMs: of(({ firstRunMs, secondRunMs }) => firstRunMs - secondRunMs),
      ...(overheadShare === undefined
        ? {}
        : { overheadShare: of(({ overheadShare: share }) => share ?? NaN) }),
      peakRssMB: of(({ peakRssBytes }) => peakRssBytes) / 1e6,
      oursWorkedOn: { paddedSize, ...counts },
      peerWorkedOn: theirs[0].says,
    }),
  );
}
