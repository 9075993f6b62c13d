import { parseArgs } from 'node:util';
import { median } from '../core/statistics.js';
import { runBenchmark, runPeer } from './measure.js';

/**
 * Times UPerNet (512 channels, 150 classes) and eager PyTorch 1.13 (CPU, malloc-tuned, OpenBLAS) in alternating rounds
 * and prints the ratio of the medians. Ours returns the class of every pixel, the peer the logits of every pixel.
 *
 *     npm run bench:peer-segment -- --rounds 3 --cases "infer tiny 1 512,train tiny 1 512"
 *
 * Requirements as for `bench/peer.ts`; run it on an idle machine.
 */

interface OwnResult {
  readonly medianMs: number;
  readonly gflops: number;
  readonly gemmPeakGflops: number;
  readonly peakRssBytes: number;
}

function own([mode, size, batch, px]: readonly string[], repeats: string): OwnResult {
  const flags = ['--task', 'segment', '--mode', mode, '--model', size, '--batch', batch];
  return runBenchmark([...flags, '--size', px, '--repeats', repeats]);
}

interface PeerResult {
  readonly medianMs: number;
  readonly peakGiB: number;
}

function peer(args: readonly string[], repeats: string): PeerResult {
  const { ms, text } = runPeer('torch_upernet.py', args, repeats);
  return { medianMs: ms, peakGiB: Number(/peak ([\d.]+) GiB/.exec(text)?.[1]) };
}

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    repeats: { type: 'string', default: '5' },
    cases: { type: 'string', default: 'infer tiny 1 512,train tiny 1 512' },
  },
});

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
