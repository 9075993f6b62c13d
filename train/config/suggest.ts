import { flattenSettings, type Settings } from './layers.js';

/** Names that other frameworks have for what an option of `train` sets, in lower case without signs. */
const OPTIONS: Readonly<Record<string, string>> = {
  ...named('--epochs', 'epoch', 'epochs', 'numepochs', 'maxepochs', 'numtrainepochs'),
  ...named('--lr', 'lr', 'lr0', 'learningrate', 'baselr'),
  ...named('--batch', 'batch', 'batchsize', 'imsperbatch', 'samplespergpu', 'trainbatchsize'),
  ...named('--size', 'size', 'imgsz', 'imagesize', 'imgsize', 'inputsize', 'resolution'),
  ...named('--minutes', 'minutes', 'time'),
  ...named('--steps', 'maxiter', 'maxiters', 'maxsteps'),
  ...named('--seed', 'seed'),
  ...named('--patience', 'patience'),
  ...named('--weights', 'weights', 'pretrained', 'loadfrom', 'initcheckpoint'),
  ...named('--model', 'model', 'variant', 'modelsize'),
  ...named('--device', 'device', 'gpu'),
  ...named('--set workers', 'numworkers', 'workerspergpu', 'dataloadernumworkers'),
  ...named('--set weightDecay', 'wd', 'weightdecay'),
};

function named(option: string, ...names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(names.map((name) => [name, option]));
}

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/**
 * Suggests what was meant by a setting that does not exist: the option for it, or the setting of this name elsewhere.
 *
 * @param path `schedule.epochs`
 * @param config all settings, also that one
 * @returns `--epochs`, or undefined if there is nothing like it
 */
export function suggestSetting(path: string, config: Settings): string | undefined {
  const wanted = plain(path.split('.').at(-1) ?? '');
  if (Object.hasOwn(OPTIONS, wanted)) return OPTIONS[wanted];
  const others = flattenSettings(config).flatMap(([setting]) =>
    setting === path ? [] : [setting],
  );
  const same = others.find((setting) => plain(setting.split('.').at(-1) ?? '') === wanted);
  return same === undefined ? undefined : `--set ${same}`;
}
