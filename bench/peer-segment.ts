import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/**
 * Times UPerNet (512 channels, 150 classes) and eager PyTorch 1.13 (CPU, malloc-tuned, OpenBLAS) in alternating rounds
 * and prints the ratio of the medians. Ours returns the class of every pixel, the peer the logits of every pixel.
 *
 *     npm run bench:peer-segment -- --rounds 3 --cases "infer tiny 1 512,train tiny 1 512"
 *
 * Requirements as for `bench/peer.ts`; run it on an idle machine.
 */

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const CLI = join(ROOT, 'dist/tools/cli.js');
const PEER = join(ROOT, 'bench/torch_upernet.py');
const PYTHON = '/usr/bin/python3';
const TUNED = {
  GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
  MALLOC_MMAP_THRESHOLD_: '4294967296',
  MALLOC_TRIM_THRESHOLD_: '1099511627776',
  MALLOC_TOP_PAD_: '1073741824',
};

interface OwnResult {
  readonly medianMs: number;
  readonly gflops: number;
  readonly gemmPeakGflops: number;
  readonly peakRssBytes: number;
}

function own([mode, size, batch, px]: readonly string[], repeats: string): OwnResult {
  const flags = ['--task', 'segment', '--mode', mode, '--model', size, '--batch', batch];
  const args = [CLI, 'benchmark', '--json', ...flags, '--size', px, '--repeats', repeats];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`benchmark: ${stderr}${stdout}`);
  return JSON.parse(stdout) as OwnResult;
}

interface PeerResult {
  readonly medianMs: number;
  readonly peakGiB: number;
}

function peer(args: readonly string[], repeats: string): PeerResult {
  const env: NodeJS.ProcessEnv = { ...process.env, ...TUNED, REPEAT: repeats };
  delete env['OPENBLAS_CORETYPE'];
  delete env['OPENBLAS_L2_SIZE'];
  const { stdout, stderr } = spawnSync(PYTHON, [PEER, ...args], { encoding: 'utf8', env });
  const found = /median ([\d.]+) ms, peak ([\d.]+) GiB/.exec(stdout);
  if (!found) throw new Error(`peer: expected a median, got ${stdout}${stderr}`);
  return { medianMs: Number(found[1]), peakGiB: Number(found[2]) };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    repeats: { type: 'string', default: '5' },
    cases: { type: 'string', default: 'infer tiny 1 512,train tiny 1 512' },
  },
});
if (!existsSync(PYTHON))
  throw new Error(`bench:peer-segment: expected ${PYTHON} with python3-torch`);

for (const text of values.cases.split(',')) {
  const args = text.trim().split(' ');
  const [ours, theirs]: [OwnResult[], PeerResult[]] = [[], []];
  for (let round = 0; round < Number(values.rounds); round++) {
    ours.push(own(args, values.repeats));
    theirs.push(peer(args, values.repeats));
  }
  const oursMs = median(ours.map(({ medianMs }) => medianMs));
  const peerMs = median(theirs.map(({ medianMs }) => medianMs));
  console.log(
    JSON.stringify({
      case: text.trim(),
      oursMs,
      peerMs,
      ratio: peerMs / oursMs,
      gflops: median(ours.map(({ gflops }) => gflops)),
      gemmPeakGflops: median(ours.map(({ gemmPeakGflops }) => gemmPeakGflops)),
      peakRssMB: Math.max(...ours.map(({ peakRssBytes }) => peakRssBytes)) / 1e6,
      peerPeakMB: Math.max(...theirs.map(({ peakGiB }) => peakGiB)) * 1.073741824e3,
    }),
  );
}
