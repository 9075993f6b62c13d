import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { median } from '../core/statistics.js';
import { outputOf } from './child.js';
import { PeerProcess } from './peer-process.js';
import { watched } from './quiet.js';
import { benchOptions } from './options.js';

/**
 * Times this library and today's engines in alternating rounds and prints how many times longer the fastest of them takes,
 * by medians. Rounds that other processes disturbed are left out.
 *
 *     npm run bench:peer -- --python v/bin/python --rounds 5 --cases "infer tiny 8,train tiny 8"
 *     npm run bench:peer-detect -- --python v/bin/python --cases "infer tiny 1 800,train atto 2 512"
 *     npm run bench:peer-segment -- --python v/bin/python --cases "infer tiny 1 512,train tiny 2 512"
 *
 * Classification: timm's ConvNeXt V2 in PyTorch (eager, channels_last, `torch.compile`), ONNX Runtime and OpenVINO.
 * Detection: torchvision's Mask R-CNN in eager PyTorch with equal backbone, padded size and numbers of sampled RoIs,
 * candidates and detections. Segmentation: UPerNet of 512 channels and 150 classes in eager PyTorch; ours returns the class
 * of every pixel, the peer the logits of every pixel. The Python needs
 * `pip install torch torchvision timm onnx onnxruntime openvino`; `--ways eager,compile` picks some.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const CASES: Readonly<Record<string, string>> = {
  classify: 'infer tiny 8,infer tiny 1,infer atto 8,infer atto 1,train tiny 8,train atto 8',
  detect: 'infer tiny 1 800,train atto 2 512',
  segment: 'infer tiny 1 512,train tiny 2 512',
};
const SIDES: Readonly<Record<string, string>> = { classify: '224', detect: '800', segment: '512' };

/**
 * Runs of a round in short cases. Ours are a new process every round, whose first runs are slow, where the peers stay open,
 * so that few would count against ours.
 */
const REPEATS: Readonly<Record<string, number>> = {
  'infer atto 1': 100,
  'infer atto 8': 30,
  'infer tiny 1': 30,
};

/** The document of `convnextv2 benchmark --json`. */
interface Own {
  readonly medianMs: number;
  readonly paddedSize?: readonly number[] | undefined;
  readonly counts?: Readonly<Record<string, number>> | undefined;
  readonly shareOfGemmPeak: number;
  readonly gemmPeakGflops: number;
  readonly peakRssBytes: number;
}

const values = benchOptions(['repeats', 'cases', 'ways'], {
  task: 'classify',
  python: 'python3',
  rounds: 3,
});
const { task, rounds } = values;

/** Runs `convnextv2 benchmark` in a separate process. @throws Error with its output if it fails */
function own(
  [mode = '', size = '', batch = '', px = SIDES[task] ?? '224']: readonly string[],
  repeats: number,
): Own {
  const args = ['--task', task, '--mode', mode, '--model', size, '--batch', batch, '--size', px];
  // Nothing loads data beside a step here: threads may spin while they wait, as the peers' do.
  if (mode === 'train') args.push('--spin');
  const command = [join(ROOT, 'dist/tools/cli.js'), 'benchmark', '--json', ...args];
  return JSON.parse(outputOf(process.execPath, [...command, '--repeats', String(repeats)])) as Own;
}

/** Times one case and prints it as one line of JSON. */
async function compare(text: string): Promise<void> {
  const case_ = text.trim().split(' ');
  const [mode = '', size = '', batch = '', px = SIDES[task] ?? '224'] = case_;
  const usual = REPEATS[`${mode} ${size} ${batch}`] ?? 10;
  const repeats = Number(values.repeats ?? (task === 'classify' ? usual : 3));
  const script = join(ROOT, 'bench/modern_peers.py');
  const ways = values.ways?.split(',') ?? [];
  const peer = new PeerProcess(values.python, script, [task, mode, size, batch, px, ...ways]);
  const { versions, note } = await peer.hello();
  const ours: Own[] = [];
  const theirs = new Map<string, number[]>();
  let leftOut = 0;
  // Disturbed rounds are repeated, up to as many as were asked for.
  for (let round = 0; round < 2 * rounds && ours.length < rounds; round++) {
    const { value, disturbed } = watched(() => own(case_, repeats));
    const times = await peer.round(repeats);
    if (disturbed || Object.values(times).some((way) => way.disturbed)) leftOut++;
    else {
      ours.push(value);
      for (const [way, { ms }] of Object.entries(times))
        theirs.set(way, [...(theirs.get(way) ?? []), median(ms)]);
    }
  }
  peer.close();
  if (ours.length === 0)
    throw new Error(`${text.trim()}: other processes disturbed all ${leftOut} rounds`);
  const oursMs = median(ours.map(({ medianMs }) => medianMs));
  const peersMs = Object.fromEntries([...theirs].map(([way, ms]) => [way, rounded(median(ms))]));
  const [fastest = ['', NaN]] = Object.entries(peersMs).toSorted((a, b) => a[1] - b[1]);
  const [first] = ours;
  console.log(
    JSON.stringify({
      case: text.trim(),
      oursMs: rounded(oursMs),
      peersMs,
      fastestPeer: fastest[0],
      ratio: Number((fastest[1] / oursMs).toFixed(3)),
      rounds: { used: ours.length, leftOut },
      shareOfGemmPeak: median(ours.map(({ shareOfGemmPeak }) => shareOfGemmPeak)),
      gemmPeakGflops: rounded(median(ours.map(({ gemmPeakGflops }) => gemmPeakGflops))),
      peakRssMB: Math.round(Math.max(...ours.map(({ peakRssBytes }) => peakRssBytes)) / 1e6),
      versions,
      oursWorkedOn: first?.counts && { paddedSize: first.paddedSize, ...first.counts },
      peerWorkedOn: note === '' ? undefined : note,
    }),
  );
}

function rounded(ms: number): number {
  return Number(ms.toFixed(2));
}

for (const text of (values.cases ?? CASES[task] ?? '').split(',')) await compare(text);
