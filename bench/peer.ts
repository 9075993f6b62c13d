import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * Times this library and Debian's PyTorch 1.13 (CPU, malloc-tuned, OpenBLAS) in alternating rounds and prints the ratio
 * of the medians.
 *
 *     npm run bench:peer -- --rounds 3 --cases "infer tiny 8,train tiny 8"
 *
 * Needs `apt-get install python3-torch libopenblas0-pthread`; run it on an idle machine.
 */

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const CLI = join(ROOT, 'dist/tools/cli.js');
const PEER = join(ROOT, 'bench/torch_convnextv2.py');
const CASES = 'infer tiny 8,infer tiny 1,infer atto 8,train tiny 8,train atto 8';
const TUNED = {
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '1099511627776',
  MALLOC_TOP_PAD_: '1073741824',
};

interface Case {
  readonly mode: string;
  readonly size: string;
  readonly batch: number;
}

interface OwnResult {
  readonly medianMs: number;
  readonly shareOfGemmPeak: number;
  readonly gemmPeakGflops: number;
  readonly peakRssBytes: number;
}

function own({ mode, size, batch }: Case, extra: readonly string[] = []): OwnResult {
  const args = [
    CLI,
    'benchmark',
    '--json',
    '--model',
    size,
    '--batch',
    String(batch),
    '--mode',
    mode,
    ...extra,
  ];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`benchmark: ${stderr}`);
  return JSON.parse(stdout) as OwnResult;
}

function peer({ mode, size, batch }: Case): number {
  const environment: NodeJS.ProcessEnv = { ...process.env, ...TUNED };
  delete environment['OPENBLAS_CORETYPE'];
  delete environment['OPENBLAS_L2_SIZE'];
  const { stdout, stderr } = spawnSync('/usr/bin/python3', [PEER, mode, size, String(batch)], {
    encoding: 'utf8',
    env: environment,
  });
  const median = /median ([\d.]+) ms/.exec(stdout)?.[1];
  if (median === undefined) throw new Error(`peer: expected a median, got ${stdout}${stderr}`);
  return Number(median);
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, cases: { type: 'string', default: CASES } },
});
if (!existsSync('/usr/bin/python3'))
  throw new Error('bench:peer: expected /usr/bin/python3 with python3-torch');

for (const text of values.cases.split(',')) {
  const [mode, size, batch] = text.trim().split(' ');
  const case_: Case = { mode, size, batch: Number(batch) };
  const ours: OwnResult[] = [];
  const inputs: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < Number(values.rounds); round++) {
    // The peer's threads spin while waiting, so ours may too: no loader needs the cores.
    ours.push(own(case_, mode === 'train' ? ['--spin'] : []));
    if (mode === 'infer') inputs.push(own(case_, ['--no-freeze']).medianMs);
    theirs.push(peer(case_));
  }
  const [a, b] = [median(ours.map(({ medianMs }) => medianMs)), median(theirs)];
  console.log(
    JSON.stringify({
      case: text.trim(),
      oursMs: a,
      weightsAsInputsMs: inputs.length > 0 ? median(inputs) : undefined,
      peerMs: b,
      ratio: b / a,
      shareOfGemmPeak: median(ours.map(({ shareOfGemmPeak }) => shareOfGemmPeak)),
      gemmPeakGflops: median(ours.map(({ gemmPeakGflops }) => gemmPeakGflops)),
      peakRssMB: median(ours.map(({ peakRssBytes }) => peakRssBytes)) / 1e6,
    }),
  );
}
