import {
  besideLoaders,
  openEngine,
  type Engine,
  type EngineOptions,
} from '../engine/runtime/engine.js';
import type { BatchSource } from './trainer.js';

/** Number of steps that build graphs and start loaders, and of those over which the loaders are watched. */
const BUILDING_STEPS = 3;
const WATCHED_STEPS = 5;

/**
 * Fraction of the time that threads may spend on loading, together, while those of the steps spin. It is measured by the clock,
 * so that it includes their waiting for a core.
 */
const MOST_LOADING = 0.5;

/**
 * Opens the engine of a run. Its threads spin as {@link SpinChoice} decides, unless the options say it; those of several
 * processes, which share the cores, do not.
 *
 * @param choice an open engine is left as it is
 * @throws as {@link openEngine}
 */
export async function openTrainingEngine(
  choice: Engine | Partial<EngineOptions> = {},
  numProcesses = 1,
): Promise<Engine> {
  if ('prepare' in choice || choice.kind === 'eager' || numProcesses > 1)
    return fixed(await openEngine(besideLoaders(choice)));
  const { spinning = 'briefly' } = choice as Extract<Partial<EngineOptions>, { kind?: 'compiled' }>;
  if (spinning !== 'briefly') return fixed(await openEngine(choice));
  return openEngine({ ...choice, spinning: true });
}

/** The engine, which may be an object of the caller's own class, without a way to change its threads. */
const fixed = (engine: Engine): Engine => ({
  description: engine.description,
  freezes: engine.freezes,
  prepare: (program, store, options) => engine.prepare(program, store, options),
});

/**
 * Decides whether threads of a training step that wait for its next operation spin. They do from the start, which makes the
 * short operations of small models and images a quarter faster, until it turns out that loading needs the cores as well.
 * Results do not depend on it.
 */
export class SpinChoice {
  private steps = 0;
  private startMs = 0;
  private startBusyMs = 0;

  constructor(
    private readonly engine: Pick<Engine, 'stopSpinning'>,
    private readonly loader: Pick<BatchSource<unknown>, 'busyMs'>,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Call it after every step of this process. */
  async stepped(): Promise<void> {
    const { busyMs = 0 } = this.loader;
    this.steps++;
    if (this.steps === BUILDING_STEPS) [this.startMs, this.startBusyMs] = [this.now(), busyMs];
    if (this.steps !== BUILDING_STEPS + WATCHED_STEPS) return;
    const loading = (busyMs - this.startBusyMs) / (this.now() - this.startMs);
    if (loading > MOST_LOADING) await this.engine.stopSpinning?.();
  }
}
