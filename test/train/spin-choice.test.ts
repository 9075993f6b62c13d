import { expect, test, vi } from 'vitest';
import { openEngine, type Engine } from '../../engine/runtime/engine.js';
import type { Executable } from '../../engine/runtime/program.js';
import { openTrainingEngine, SpinChoice } from '../../train/spin-choice.js';
import { filledStore, MODEL } from '../engine/runtime/small-model.js';

/** Steps of 100 ms each, in which threads load for so long. @returns steps after which the engine was told to sleep */
async function sleepsAfter(loadingMs: readonly number[]): Promise<readonly number[]> {
  let [nowMs, busyMs, step] = [0, 0, 0];
  const calls: number[] = [];
  const stopSpinning = vi.fn(() => Promise.resolve(void calls.push(step)));
  const loader = {
    get busyMs() {
      return busyMs;
    },
  };
  const choice = new SpinChoice({ stopSpinning }, loader, () => nowMs);
  for (const ms of loadingMs) {
    [nowMs, busyMs, step] = [nowMs + 100, busyMs + ms, step + 1];
    await choice.stepped();
  }
  return calls;
}

test('threads spin on where loading takes a small part of the time', async () => {
  expect(await sleepsAfter(Array.from({ length: 30 }, () => 20))).toEqual([]);
});

test('they sleep where loading needs the cores, decided once', async () => {
  expect(await sleepsAfter(Array.from({ length: 30 }, () => 60))).toEqual([8]);
});

test('the first steps, in which loaders start, do not count', async () => {
  expect(await sleepsAfter([500, 500, 500, ...Array.from({ length: 30 }, () => 10)])).toEqual([]);
});

test('a loader that does not tell its time, or an engine that does not spin, changes nothing', async () => {
  const stopSpinning = vi.fn();
  const quiet = new SpinChoice({ stopSpinning }, {});
  const still = new SpinChoice({}, { busyMs: 1e6 });
  for (let step = 0; step < 20; step++) {
    await quiet.stepped();
    await still.stepped();
  }
  expect(stopSpinning).not.toHaveBeenCalled();
});

test.each([
  ['spin by default, until told otherwise', {}, true, true],
  ['spin if asked to', { spinning: true }, true, false],
  ['sleep if asked to', { spinning: false }, false, false],
] as const)('threads of a run %s', async (_, choice, spinning, isOpen) => {
  const engine = await openTrainingEngine(choice);
  const program = engine.prepare(MODEL.inference, filledStore());
  expect(program).toHaveProperty('options.spinning', spinning);
  expect(engine.stopSpinning !== undefined).toBe(isOpen);
});

test('threads of several processes sleep, and those of an open engine stay as they are', async () => {
  const several = await openTrainingEngine({}, 2);
  expect(several.prepare(MODEL.inference, filledStore())).toHaveProperty('options.spinning', false);
  const open = await openEngine();
  const engine = await openTrainingEngine(open);
  expect(engine.prepare(MODEL.inference, filledStore())).toHaveProperty(
    'options.spinning',
    'briefly',
  );
  expect(engine.stopSpinning).toBeUndefined();
});

test('an open engine may be an object of a class', async () => {
  class Own implements Engine {
    readonly description = 'own';
    prepare(): Executable {
      return { run: () => Promise.resolve({}), release: () => Promise.resolve() };
    }
  }
  const engine = await openTrainingEngine(new Own());
  expect(engine.description).toBe('own');
  expect(await engine.prepare(MODEL.inference, filledStore()).run({})).toEqual({});
});
