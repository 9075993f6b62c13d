import { expect, test, vi } from 'vitest';
import { InputError, OptionError } from '../../core/errors.js';
import { inOptions, inOptionWords } from '../../core/option-words.js';
import { reportError } from '../../tools/failure.js';
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

test('errors name options to callers of functions, and flags on the command line', () => {
  const text = '--epochs: expected either --minutes or --epochs, got both';
  const error = new OptionError(text, { flags: { both: 'both of them' } });
  expect(inOptionWords(error)).toBe(error);
  const { message, stack } = error;
  expect(message).toBe('`epochs`: expected either `minutes` or `epochs`, got both');
  expect(stack).toContain(message);
  expect(stack).not.toContain('--epochs');
  let printed = '';
  const write = vi.spyOn(process.stderr, 'write').mockImplementation((part) => {
    printed += String(part);
    return true;
  });
  expect(reportError(error, false)).toBe(2);
  write.mockRestore();
  expect(printed).toContain(`${text} of them`);
});

test('other errors stay as they are', () => {
  for (const error of [new Error('--epochs'), new InputError('run: convnextv2 train --data'), 3])
    expect(inOptionWords(error)).toBe(error);
  expect((inOptionWords(new Error('--epochs')) as Error).message).toBe('--epochs');
  const command = new InputError('run: convnextv2 train --data');
  expect((inOptionWords(command) as Error).message).toBe('run: convnextv2 train --data');
});
