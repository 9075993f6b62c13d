import { expect, test } from 'vitest';
import { constantLoss } from '../../train/constant-loss.js';
import type { DataFacts, TargetCounts } from '../../train/data-facts.js';
import { LearningMonitor, type EarlyVerdict } from '../../train/early-verdict.js';
import type { Scalars } from '../../train/trainer.js';

const FACTS: DataFacts = { counts: '8 images', concerns: [] };

/** Feeds the losses of steps until there is a verdict. */
function verdictOf(
  lossesAt: (step: number) => Scalars,
  {
    facts = FACTS,
    total = 400,
    targets,
    score,
  }: {
    readonly facts?: DataFacts;
    readonly total?: number;
    readonly targets?: readonly TargetCounts[];
    readonly score?: number;
  } = {},
): EarlyVerdict & { readonly at: number } {
  const monitor = new LearningMonitor(facts, 'top1');
  for (let step = 1; step <= total; step++) {
    if (step === 15 && score !== undefined) monitor.evaluated({ top1: score });
    const verdict = monitor.stepped(step, total, lossesAt(step), targets);
    if (verdict) return { ...verdict, at: step };
  }
  throw new Error('no verdict');
}

test('the line comes once, one step after a tenth of the run, with the score that was evaluated there', () => {
  const { at, learns, line } = verdictOf((step) => ({ loss: 2 - step / 40 }), { score: 0.25 });
  expect(at).toBe(41);
  expect(learns).toBe(true);
  expect(line).toMatch(
    /^after 40 of 400 steps it learns: loss 1\.1\d*, 1\.9\d* at first; top1 0\.250$/,
  );
});

test('short runs are judged after ten steps, shorter ones not', () => {
  expect(verdictOf((step) => ({ loss: 1 / step }), { total: 40 }).at).toBe(11);
  expect(() => verdictOf(() => ({ loss: 1 }), { total: 10 })).toThrow('no verdict');
});

test('a few steps say that it learns, or that it is too early', () => {
  const early = verdictOf(() => ({ loss: 1 }), { total: 100 });
  expect(early.learns).toBeUndefined();
  expect(early.line).toBe(
    'after 10 of 100 steps it is too early to say whether it learns: loss 1.00, 1.00 at first',
  );
  expect(verdictOf((step) => ({ loss: 1 / step }), { total: 100 }).learns).toBe(true);
  const facts = { ...FACTS, concerns: ['objects of 6 px'] };
  expect(verdictOf(() => ({ loss: 1 }), { total: 100, facts }).line).toMatch(
    /does not learn yet: .*; likely: objects of 6 px$/,
  );
});

test('a loss of a constant answer is not learning, whatever it was at first', () => {
  const facts = { ...FACTS, constantLoss: Math.log(5) };
  const flat = verdictOf((step) => ({ loss: step < 5 ? 4 : 1.6 }), { facts });
  expect(flat.learns).toBe(false);
  expect(flat.line).toContain('loss 1.60, of a constant answer 1.61');
  expect(flat.line).toMatch(
    /labels that do not fit the pictures \(shifted, of other images\).*--overfit 8/,
  );
  expect(verdictOf((step) => ({ loss: step < 5 ? 4 : 1.2 }), { facts }).learns).toBe(true);
});

test('a rising loss is a learning rate that is too high', () => {
  const { learns, line } = verdictOf((step) => ({ loss: 1 + step / 10 }));
  expect(learns).toBe(false);
  expect(line).toMatch(
    /the loss rises, from 1\.\d+ to \d\.\d+; likely: the learning rate is too high/,
  );
});

test('the first concern about the set is the likely reason', () => {
  const concerns = ['objects of 6 px (median) at this input size', 'another'];
  const facts = { ...FACTS, constantLoss: 1, concerns };
  expect(verdictOf(() => ({ loss: 1 }), { facts }).line).toMatch(
    /likely: objects of 6 px \(median\) at this input size$/,
  );
});

const targets = (positives: number, rois: readonly number[]): readonly TargetCounts[] => [
  { loss: 'loss_rpn_cls', of: 'anchors', counts: [positives, 200], background: 1 },
  { loss: 'loss_cls', of: 'RoIs', counts: rois, background: rois.length - 1 },
];

test('a detector is judged by the classes of anchors and RoIs, whose fractions are named', () => {
  const seen = targets(50, [10, 90]);
  const constant = constantLoss([50, 200]) + constantLoss([10, 90]);
  const at = (part: number) =>
    verdictOf(
      () => ({ loss: 9, loss_rpn_cls: (part * constant) / 2, loss_cls: (part * constant) / 2 }),
      {
        targets: seen,
      },
    );
  expect(at(0.7).learns).toBe(true);
  expect(at(0.7).line).toContain('positive: 20 % of the anchors, 10 % of the RoIs');
  expect(at(0.7).line).toContain(`of a constant answer ${constant.toPrecision(3)}`);
  expect(at(0.95).learns).toBe(false);
});

test('if no anchor is positive, nothing matched', () => {
  const { reason } = verdictOf(() => ({ loss: 1, loss_rpn_cls: 0.1, loss_cls: 0.1 }), {
    targets: targets(0, [0, 100]),
  });
  expect(reason).toBe('nothing matched: none of the sampled anchors belongs to an object');
});

test('a score decides before the loss, unless that is clear', () => {
  const facts = { ...FACTS, constantLoss: 1, learnedFrom: 0.3 };
  const at = (loss: number, score: number) => verdictOf(() => ({ loss }), { facts, score }).learns;
  expect(at(0.99, 0.31)).toBe(true);
  expect(at(0.85, 0.29)).toBe(false);
  expect(at(0.7, 0.29)).toBe(true);
});

test('ignored pixels lower the loss of a constant answer', () => {
  const pixels = [{ loss: 'loss', of: 'pixels', counts: [50, 50], fraction: 0.5 }];
  expect(verdictOf(() => ({ loss: 0.34 }), { targets: pixels }).learns).toBe(false);
  expect(verdictOf(() => ({ loss: 0.3 }), { targets: pixels }).learns).toBe(true);
});

test('a resumed run whose first steps are not known is not judged', () => {
  const monitor = new LearningMonitor(FACTS, 'top1');
  for (let step = 15; step <= 400; step++)
    expect(monitor.stepped(step, 400, { loss: 1 })).toBeUndefined();
});

const pixels = (more: Partial<TargetCounts>): readonly TargetCounts[] => [
  { loss: 'lossDecode', of: 'pixels', counts: [980, 20], ...more },
];

test('of targets that are nearly all of one class, that is the likely reason', () => {
  const facts = { ...FACTS, classNames: ['sky', 'bird'] };
  const flat = constantLoss([980, 20]);
  const options = { facts, targets: pixels({}) };
  expect(verdictOf(() => ({ loss: 1, lossDecode: flat }), options).reason).toBe(
    'one class only: 98.0 % of the pixels are of sky',
  );
  const learned = verdictOf(() => ({ loss: 1, lossDecode: flat / 2 }), options);
  expect(learned.learns).toBe(true);
});

test('a loss with class weights and focal factor is compared with a constant answer to the same', () => {
  const changes = { classWeights: [1, 10], focalGamma: 2 };
  const constant = constantLoss([980, 20], changes);
  const at = (lossDecode: number) =>
    verdictOf(() => ({ loss: 1, lossDecode }), { targets: pixels({ changes }) });
  expect(at(constant).learns).toBe(false);
  expect(at(constant).line).toContain(`of a constant answer ${constant.toPrecision(3)}`);
  expect(at(0.8 * constant).learns).toBe(true);
});

test('a loss with further terms is compared with what it was at first', () => {
  const falls = (step: number): Scalars => ({ loss: 3 - step / 100, lossDecode: 3 - step / 100 });
  const { learns, line } = verdictOf(falls, { targets: pixels({ changes: 'other' }) });
  expect(learns).toBe(true);
  expect(line).toMatch(/it learns: loss 2\.6\d*, 2\.9\d* at first$/);
});
