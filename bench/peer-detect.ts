import { parseArgs } from 'node:util';
import { median } from '../core/statistics.js';
import { runBenchmark, runPeer } from './measure.js';

/**
 * Times Mask R-CNN and torchvision's on Debian's PyTorch 1.13 (CPU, malloc-tuned, OpenBLAS) in alternating rounds with
 * equal backbone, padded size and numbers of sampled RoIs, candidates and detections, which both print. Prints the ratio
 * of the medians.
 *
 *     node dist/bench/peer-detect.js --rounds 3 --cases "infer tiny 1 800,train atto 2 512"
 *
 * Needs `apt-get install python3-torch python3-torchvision libopenblas0-pthread`; run it on an idle machine.
 */

const CASES = 'infer tiny 1 800,train atto 2 512';

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
  return runBenchmark([...flags, '--size', px, '--repeats', repeats]);
}

function peer({ mode, size, batch, px }: Case, repeats: string): { ms: number; says: string } {
  const name = mode === 'infer' ? 'detect' : 'detect-train';
  const { ms, text } = runPeer('torch_convnextv2.py', [name, size, batch, px], repeats);
  return { ms, says: text.split('\n')[0] };
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    repeats: { type: 'string', default: '5' },
    cases: { type: 'string', default: CASES },
  },
});

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
      overheadShare: overheadShare && of(({ overheadShare: share }) => share ?? NaN),
      peakRssMB: of(({ peakRssBytes }) => peakRssBytes) / 1e6,
      oursWorkedOn: { paddedSize, ...counts },
      peerWorkedOn: theirs[0].says,
    }),
  );
}
