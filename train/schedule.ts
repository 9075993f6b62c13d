import { ConfigError } from '../core/errors.js';
import * as t from '../core/schema.js';

/** Linear warm-up from `ratio` times the scheduled value to the full value at step `steps` (0: no warm-up). */
export const LinearWarmup = t.record({
  /** 500 for mmcv's 500 iterations; 999 for a warm-up that reaches 1 at iteration 999, as in mmengine. */
  steps: t.whole(0),
  ratio: t.FRACTION,
});
export type LinearWarmup = t.Infer<typeof LinearWarmup>;

/**
 * Learning rate schedule, evaluated every iteration.
 * - `cosine`: from 0 to `lr` over `warmupEpochs`, then half a cosine down to `minLr`; both in fractional epochs
 * - `multiStep`: multiplied by `gamma` at each of the `milestones` (whole epochs)
 * - `poly`: `minLr + (lr − minLr) · (1 − step/steps)^power`
 */
export type Schedule =
  | {
      readonly kind: 'cosine';
      readonly lr: number;
      readonly minLr: number;
      readonly epochs: number;
      readonly warmupEpochs: number;
    }
  | {
      readonly kind: 'multiStep';
      readonly lr: number;
      readonly milestones: readonly number[];
      readonly gamma: number;
      readonly warmup: LinearWarmup;
    }
  | {
      readonly kind: 'poly';
      readonly lr: number;
      readonly minLr: number;
      readonly power: number;
      readonly steps: number;
      readonly warmup: LinearWarmup;
    };

/** Position of a run before an update. */
interface SchedulePosition {
  /** Number of iterations done, from 0. */
  readonly step: number;
  /** Fractional number of epochs done: `step / stepsPerEpoch`. */
  readonly epoch: number;
}

/**
 * Computes the learning rate of the next iteration, before the factors of parameters.
 *
 * @see ConvNeXt V2, `utils.py` (`adjust_learning_rate`): https://github.com/facebookresearch/ConvNeXt-V2
 * @see mmcv, `runner/hooks/lr_updater.py`: https://github.com/open-mmlab/mmcv
 */
export function learningRate(schedule: Schedule, { step, epoch }: SchedulePosition): number {
  switch (schedule.kind) {
    case 'cosine': {
      const { lr, minLr, epochs, warmupEpochs } = schedule;
      if (epoch < warmupEpochs) return (lr * epoch) / warmupEpochs;
      if (epoch >= epochs) return minLr;
      const done = (epoch - warmupEpochs) / (epochs - warmupEpochs);
      return minLr + (lr - minLr) * 0.5 * (1 + Math.cos(Math.PI * done));
    }
    case 'multiStep': {
      const { lr, gamma, milestones, warmup } = schedule;
      const passed = milestones.filter((milestone) => epoch >= milestone).length;
      return lr * gamma ** passed * warmupFactor(warmup, step);
    }
    case 'poly': {
      const { lr, minLr, power, steps, warmup } = schedule;
      const left = Math.max(0, 1 - step / steps);
      return (minLr + (lr - minLr) * left ** power) * warmupFactor(warmup, step);
    }
    default:
      return schedule satisfies never;
  }
}

/**
 * Checks a schedule.
 *
 * @throws ConfigError naming the first field that is out of range
 */
export function assertSchedule(where: string, schedule: Schedule): void {
  const need = (name: string, value: number, holds: boolean, expected: string): void => {
    if (!holds) throw new ConfigError(`${where}: ${name}: expected ${expected}, got ${value}`);
  };
  const needFrom0 = (name: string, value: number): void =>
    need(name, value, Number.isFinite(value) && value >= 0, 'a number from 0');
  const needWarmup = ({ steps, ratio }: LinearWarmup): void => {
    needFrom0('warmup.steps', steps);
    need('warmup.ratio', ratio, ratio >= 0 && ratio <= 1, 'a number from 0 to 1');
  };
  needFrom0('lr', schedule.lr);
  switch (schedule.kind) {
    case 'cosine': {
      const { lr, minLr, epochs, warmupEpochs } = schedule;
      needFrom0('minLr', minLr);
      need('minLr', minLr, minLr <= lr, `at most lr (${lr})`);
      needFrom0('warmupEpochs', warmupEpochs);
      need('epochs', epochs, epochs > 0 && Number.isFinite(epochs), 'a number above 0');
      need('warmupEpochs', warmupEpochs, warmupEpochs <= epochs, `at most epochs (${epochs})`);
      return;
    }
    case 'multiStep': {
      needFrom0('gamma', schedule.gamma);
      schedule.milestones.forEach((milestone) => needFrom0('milestones', milestone));
      needWarmup(schedule.warmup);
      return;
    }
    case 'poly': {
      const { lr, minLr, power, steps, warmup } = schedule;
      needFrom0('minLr', minLr);
      need('minLr', minLr, minLr <= lr, `at most lr (${lr})`);
      needFrom0('power', power);
      need('steps', steps, steps > 0 && Number.isFinite(steps), 'a number above 0');
      needWarmup(warmup);
      return;
    }
    default:
      schedule satisfies never;
  }
}

function warmupFactor({ steps, ratio }: LinearWarmup, step: number): number {
  return step < steps ? 1 - (1 - step / steps) * (1 - ratio) : 1;
}
