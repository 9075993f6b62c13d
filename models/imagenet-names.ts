import { ConfigError } from '../core/errors.js';

/**
 * Names of the 1,000 ImageNet classes in the usual order, from the list that the tfjs models ship.
 *
 * @returns first synonym of each class, e.g. `tench`
 */
export async function imageNetNames(): Promise<readonly string[]> {
  const { IMAGENET_CLASSES } =
    await import('@tensorflow-models/mobilenet/dist/imagenet_classes.js');
  const names = Object.values(IMAGENET_CLASSES).map((synonyms) => synonyms.split(',')[0].trim());
  if (names.length !== 1000)
    throw new ConfigError(`ImageNet names: expected 1000, got ${names.length}`);
  return names;
}
