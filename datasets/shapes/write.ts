import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { assertObject, assertText } from '../../core/arguments.js';
import { ConfigError } from '../../core/errors.js';
import { Random } from '../../core/random.js';
import { inParallel } from '../in-parallel.js';
import { cocoImage, type CocoImageRow } from '../../io/coco/write.js';
import { writeNewFolder } from '../../io/files/new-folder.js';
import { encodeJpeg, encodePng } from '../../io/image/encode.js';
import { encodeLabelPng } from '../../io/png/write.js';
import { dataYaml } from '../../io/yolo/write-data-yaml.js';
import { sceneAnnotations, SHAPE_CATEGORIES, type ShapeAnnotation } from './annotations.js';
import { renderScene, sceneLabels } from './render.js';
import { composeScene, type Scene } from './scene.js';

/** Options of the generator. */
export interface ShapesOptions {
  readonly seed: number;
  /** Number of images. */
  readonly train: number;
  readonly val: number;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  readonly minObjects: number;
  readonly maxObjects: number;
  /** See `SceneOptions.plain`. */
  readonly plain: boolean;
  /** PNG keeps pixels exactly; JPEG, the usual format of photos, is a third of the size. */
  readonly format: 'png' | 'jpeg';
  /** Whether to write semantic labels too, with a `segment.yaml`. */
  readonly labels: boolean;
}

/** Defaults: 1,000 + 200 images of 320 × 240. */
export const SHAPES_DEFAULTS: ShapesOptions = {
  seed: 0,
  train: 1000,
  val: 200,
  width: 320,
  height: 240,
  minObjects: 3,
  maxObjects: 12,
  plain: false,
  format: 'png',
  labels: false,
};

/** An annotation file of the set. */
interface ShapesFile {
  readonly info: { readonly description: string; readonly version: string };
  readonly licenses: readonly never[];
  readonly images: readonly CocoImageRow[];
  readonly annotations: readonly ShapeAnnotation[];
  readonly categories: typeof SHAPE_CATEGORIES;
}

const SPLITS = ['train', 'val'] as const;
/** Different ids for the splits, so that mixing them up is noticed. */
const FIRST_ID = { train: 1, val: 1_000_001 } as const;

/** Composes the scene of one image, which depends only on seed, split and index, not on the number of images. */
export function shapesScene(
  options: ShapesOptions,
  split: (typeof SPLITS)[number],
  index: number,
): Scene {
  return composeScene(new Random(options.seed, SPLITS.indexOf(split), index), options);
}

/**
 * Generates the annotations of a split without images.
 *
 * @param onScene called with each scene in order
 */
export function shapesAnnotations(
  options: ShapesOptions,
  split: (typeof SPLITS)[number],
  onScene?: (scene: Scene, fileName: string) => void,
): ShapesFile {
  const images: ShapesFile['images'][number][] = [];
  const annotations: ShapeAnnotation[] = [];
  for (let i = 0; i < options[split]; i++) {
    const scene = shapesScene(options, split, i);
    const id = FIRST_ID[split] + i;
    const extension = options.format === 'png' ? 'png' : 'jpg';
    const fileName = `${String(i).padStart(6, '0')}.${extension}`;
    images.push(cocoImage(id, fileName, scene));
    annotations.push(...sceneAnnotations(scene, id, FIRST_ID[split] + annotations.length));
    onScene?.(scene, fileName);
  }
  return {
    info: { description: `synthetic shapes, seed ${options.seed}, ${split}`, version: '1' },
    licenses: [],
    images,
    annotations,
    categories: SHAPE_CATEGORIES,
  };
}

/**
 * Writes the synthetic set in COCO layout: `annotations/instances_{train,val}.json`, `train/`, `val/`, and with `labels`
 * also `labels/{train,val}/` and `segment.yaml`. The folder is written under a temporary name and renamed when complete.
 *
 * @param onProgress called after every image
 * @throws ConfigError if an option is out of range or the folder exists and is not empty
 *
 * @example
 *   ```ts
 *   await writeShapes('shapes', { ...SHAPES_DEFAULTS, train: 4, val: 2 });
 *   console.log((await detectLayout('shapes')).line);
 *   ```
 */
export async function writeShapes(
  folder: string,
  options: ShapesOptions,
  onProgress?: (done: number, total: number) => void,
): Promise<void> {
  assertText('writeShapes', 'the path of a folder', folder);
  assertObject('writeShapes', 'an object of options', options);
  assertOptions(options);
  await writeNewFolder(folder, async (partial) => {
    await mkdir(join(partial, 'annotations'));
    let done = 0;
    const total = options.train + options.val;
    for (const split of SPLITS) {
      await mkdir(join(partial, split), { recursive: true });
      if (options.labels) await mkdir(join(partial, 'labels', split), { recursive: true });
      const file = await writeSplit(partial, split, options, () => onProgress?.(++done, total));
      await writeFile(
        join(partial, 'annotations', `instances_${split}.json`),
        JSON.stringify(file),
      );
    }
    if (options.labels) await writeFile(join(partial, 'segment.yaml'), segmentYaml());
  });
}

/** Scenes are processed in blocks, so that only a few pictures are in memory at a time. */
async function writeSplit(
  folder: string,
  split: (typeof SPLITS)[number],
  options: ShapesOptions,
  onImage: () => void,
): Promise<ShapesFile> {
  const scenes: (readonly [Scene, string])[] = [];
  const file = shapesAnnotations(options, split, (scene, name) => scenes.push([scene, name]));
  await inParallel(scenes, async ([scene, name]) => {
    const image = renderScene(scene);
    const encoded =
      options.format === 'png'
        ? encodePng(image, { compressionLevel: 6, adaptiveFiltering: false })
        : encodeJpeg(image, { quality: 92, chromaSubsampling: '4:4:4' });
    await writeFile(join(folder, split, name), await encoded);
    if (options.labels) {
      const label = join(folder, 'labels', split, name.replace(/\w+$/, 'png'));
      await writeFile(label, encodeLabelPng(sceneLabels(scene)));
    }
    onImage();
  });
  return file;
}

function segmentYaml(): string {
  const parts = SPLITS.map((split) => [split, { images: split, labels: `labels/${split}` }]);
  const classes = ['ground', ...SHAPE_CATEGORIES.map(({ name }) => name)];
  return dataYaml(Object.fromEntries(parts), { classes });
}

function assertOptions(options: ShapesOptions): void {
  const assert = (name: keyof ShapesOptions, low: number, high: number): void => {
    const value = options[name];
    if (!(Number.isInteger(value) && Number(value) >= low && Number(value) <= high))
      throw new ConfigError(
        `--${name.replace('Objects', '-objects')}: expected a whole number from ${low} to ${high}, got ${value}`,
      );
  };
  assert('seed', 0, 2 ** 32 - 1);
  assert('train', 0, 999_999);
  assert('val', 0, 999_999);
  assert('width', 64, 4096);
  assert('height', 64, 4096);
  assert('minObjects', 0, 200);
  assert('maxObjects', options.minObjects, 200);
}
