import { expect, test } from 'vitest';
import { inOptions } from '../../train/note-options.js';
import { ProgressView } from '../../tools/progress/view.js';

/** Notes of runs, and the same for callers of `train`. */
const NOTES: readonly (readonly [string, string])[] = [
  ['--batch 4: batchSize=4, accumulation=8', '`batch: 4`: batchSize=4, accumulation=8'],
  [
    '--lr 0.002: lr=0.002; --epochs 3.67: laid out',
    '`lr: 0.002`: lr=0.002; `epochs: 3.67`: laid out',
  ],
  ['--steps 3: stops there', '`steps: 3`: stops there'],
  ['--batch: accumulation=3', '`batch`: accumulation=3'],
  ['held out, seed 0 (--val-fraction changes it)', 'held out, seed 0 (`valFraction` changes it)'],
  ['it is used; --no-ema for the weights', 'it is used; `ema: false` for the weights'],
  ['no object: --set keepEmpty=false', 'no object: `set` keepEmpty=false'],
  ['train with --overfit 8 or --overfit 80', 'train with `overfit: 8` or `overfit: 80`'],
  ['slower; npx convnextv2 doctor --fix adds it', 'slower; npx convnextv2 doctor --fix adds it'],
  ['report: runs/a--set 3/report.html', 'report: runs/a--set 3/report.html'],
  ['12 images, 3 classes', '12 images, 3 classes'],
];

test.each(NOTES)('%s', (inFlags, expected) => {
  const { line, flags } = inOptions(inFlags);
  expect(line).toBe(expected);
  // The command line has its flags back.
  let text = '';
  const stream = { write: (part: string) => void (text += part) };
  new ProgressView(stream).note(line, flags);
  expect(text).toBe(`${inFlags}\n`);
});
