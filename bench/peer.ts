import { parseArgs } from 'node:util';
import { median } from '../core/statistics.js';
import { runBenchmark, runPeer } from './measure.js';

/**
 * Times this library and Debian's PyTorch 1.13 (CPU, malloc-tuned, OpenBLAS) in alternating rounds and prints the ratio
 * of the medians.
 *
 *     npm run bench:peer -- --rounds 3 --cases "infer tiny 8,train tiny 8"
 *
 * Needs `apt-get install python3-torch libopenblas0-pthread`; run it on an idle machine.
 */

const CASES = 'infer tiny 8,infer tiny 1,infer atto 8,train tiny 8,train atto 8';

interface Case {
  readonly mode: string;
  readonly size: string;
  readonly batch: string;
}

interface OwnResult {
  readonly medianMs: number;
  readonly shareOfGemmPeak: number;
  readonly gemmPeakGflops: number;
  readonly peakRssBytes: number;
}

const own = ({ mode, size, batch }: Case, extra: readonly string[] = []): OwnResult =>
  runBenchmark(['--model', size, '--batch', batch, '--mode', mode, ...extra]);

const peer = ({ mode, size, batch }: Case): number =>
  runPeer('torch_convnextv2.py', [mode, size, batch]).ms;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, cases: { type: 'string', default: CASES } },
});

for (const text of values.cases.split(',')) {
  const [mode, size, batch] = text.trim().split(' ');
  const case_: Case = { mode, size, batch };
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
