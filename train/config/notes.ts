import type { TrainOptions } from '../options.js';
import { flattenSettings, type Settings } from './layers.js';
import type { ResolvedConfig } from './resolve.js';
import type { RunConfig } from './run-config.js';
import type { RecipeConfig } from './schemas.js';
import { describeShortcuts } from './shortcuts.js';

/** Notes what the options of length, batch, rate and size mean for this recipe. */
export function noteOptions(
  resolved: ResolvedConfig,
  options: Pick<TrainOptions, 'batch' | 'lr' | 'size' | 'epochs' | 'steps'>,
  note: (line: string) => void,
): void {
  const { epochs, steps } = options;
  const meanings = [
    ...describeShortcuts(resolved, options),
    ...(epochs === undefined ? [] : [`--epochs ${epochs}: the schedule is laid out for it`]),
    ...(steps === undefined ? [] : [`--steps ${steps}: stops there, the schedule stays as it is`]),
  ];
  if (meanings.length > 0) note(meanings.join('; '));
}

/** Notes which settings of a resumed run change. */
export function noteChanges(
  stored: RunConfig,
  config: RecipeConfig,
  note: (line: string) => void,
): void {
  const before = new Map(flattenSettings(stored.config));
  for (const [path, value] of flattenSettings(config as unknown as Settings)) {
    const [was, is] = [before.get(path), value].map((v) => JSON.stringify(v) ?? 'nothing');
    if (was !== is) note(`changed for the rest of the run: ${path} from ${was} to ${is}`);
  }
}
