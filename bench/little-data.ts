import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LogRecord } from '../train/log-record.js';
import { outputOf } from './child.js';
import { benchOptions } from './options.js';

/**
 * Accuracy on little data after the same minutes: the default detector from scratch, and torchvision's Faster R-CNN on the
 * same backbone (a script that takes a COCO folder and minutes, and prints pycocotools' summary), one after the other.
 *
 *     npm run bench:little-data -- --minutes 9 --seeds 0,1,2 --python python3 --peer torchvision_small_data.py
 *
 * A seed divides the set 160 to 40 and starts the training; that of the peer is its own. Ours reads the folder as published, the
 * peer a COCO version of the same division. Both take all cores, so the machine must have nothing else to do.
 */
const values = benchOptions(['python'], {
  data: '../shared/data/raccoon',
  minutes: 9,
  seeds: '0,1,2',
  peer: '../shared/bench/torchvision_small_data.py',
  out: 'runs/little-data',
  /** More options of the training, separated by spaces. */
  options: '',
});

/** Average precisions of boxes. */
interface Scores {
  readonly AP: number;
  readonly AP50: number;
  readonly AP75: number;
}

const CLI = resolve('dist/tools/cli.js');

function ours(seed: string, folder: string): Scores {
  const { data, minutes, options } = values;
  const more = options.split(' ').filter((option) => option !== '');
  outputOf(process.execPath, [
    ...[CLI, 'train', 'detect', '--data', data, '--out', folder, '--minutes', minutes],
    ...['--seed', seed, '--val-fraction', '0.2', ...more],
  ]);
  const lines = readFileSync(join(folder, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const last = lines
    .map((line) => JSON.parse(line) as LogRecord)
    .findLast((record) => record.kind === 'eval');
  if (!last) throw new Error(`bench: expected an evaluation in ${folder}, got none`);
  const { metrics } = last;
  return { AP: metrics['bbox_AP'], AP50: metrics['bbox_AP50'], AP75: metrics['bbox_AP75'] };
}

function peers(python: string, seed: string, folder: string): Scores {
  const { data, minutes, peer } = values;
  outputOf(process.execPath, [
    ...[CLI, 'data', 'convert', data, '--to', 'coco', '--out', folder, '--copy'],
    ...['--val-fraction', '0.2', '--seed', seed],
  ]);
  // The names of COCO's own folders.
  for (const part of ['train', 'val']) {
    symlinkSync(`instances_${part}.json`, join(folder, `annotations/instances_${part}2017.json`));
    symlinkSync(`images/${part}`, join(folder, `${part}2017`));
  }
  const output = outputOf(python, [peer, folder, minutes]);
  const of = (iou: string): number => {
    const line = new RegExp(`Average Precision.*IoU=${iou} *\\|.*area= *all.*= *(-?[\\d.]+)`);
    return Number(line.exec(output)?.[1] ?? NaN);
  };
  return { AP: of('0\\.50:0\\.95'), AP50: of('0\\.50'), AP75: of('0\\.75') };
}

const row = (name: string, seed: string, { AP, AP50, AP75 }: Scores): string =>
  `${name.padEnd(12)} seed ${seed}  AP ${AP.toFixed(3)}  AP50 ${AP50.toFixed(3)}  AP75 ${AP75.toFixed(3)}`;

rmSync(values.out, { recursive: true, force: true });
mkdirSync(values.out, { recursive: true });
for (const seed of values.seeds.split(',')) {
  console.log(row('convnextv2', seed, ours(seed, join(values.out, `ours-${seed}`))));
  if (values.python === undefined) continue;
  console.log(
    row('torchvision', seed, peers(values.python, seed, join(values.out, `peer-${seed}`))),
  );
}
