import { statSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { createDenseBackbone } from '../backbone/output-norms.js';
import { VARIANTS } from '../backbone/variants.js';
import type { RgbImage } from '../core/image.js';
import type { DetectionExample } from '../datasets/in-memory.js';
import { sceneAnnotations } from '../datasets/shapes/annotations.js';
import { renderScene } from '../datasets/shapes/render.js';
import { SHAPES_DEFAULTS, shapesScene } from '../datasets/shapes/write.js';
import { IMAGENET_PIXELS } from '../datasets/transforms/normalize.js';
import { ParameterStore } from '../engine/parameters/store.js';
import { openEngine } from '../engine/runtime/engine.js';
import { modelOf } from '../inference/model-of.js';
import { open } from '../inference/open.js';
import { tileGrid, tilesOf } from '../inference/tiles/grid.js';
import { createUperNet } from '../models/upernet.js';
import { evaluate } from '../train/evaluate.js';
import { inFolder } from './child.js';
import { benchOptions } from './options.js';

/**
 * Tiles of large pictures: time and peak memory, and what they do for small objects.
 *
 *     npm run bench:tiles -- --side 30000 [--task segment --classes 150] [--tile 1024 --overlap 0.2]
 *     npm run bench:tiles -- --ap --run runs/demo/run [--pictures 8]
 *
 * The first writes a tiled TIFF of that side, repeats of one scene, and predicts it with the detector of `--run`, which
 * `npx convnextv2 demo` trains, or with a segmenter of random weights. The second assembles pictures of reduced scenes whose
 * objects are under 16 pixels, and scores the detector with and without tiles.
 */
const values = benchOptions([], {
  ap: false,
  run: 'runs/demo/run',
  task: 'detect',
  classes: 20,
  side: 30000,
  tile: '',
  overlap: 0.2,
  pictures: 8,
});

const SHAPES = { ...SHAPES_DEFAULTS, minObjects: 4, maxObjects: 10, plain: true };
/**
 * Scenes are reduced to this fraction, and only those whose objects then stay below the limit are used. A picture has fewer than
 * 100 objects of a category, because COCO's protocol takes no more detections.
 */
const REDUCED = 0.2;
const LARGEST_OBJECT_PX = 16;
const COLUMNS = 8;
const ROWS = 10;

if (values.ap) await compareScores();
else await measureMemory();

async function compareScores(): Promise<void> {
  const examples: DetectionExample[] = [];
  for (let p = 0, next = 0; p < values.pictures; p++) {
    const { example, after } = await assembled(next);
    examples.push(example);
    next = after;
  }
  const numObjects = examples.reduce((sum, { objects }) => sum + objects.length, 0);
  console.log(
    `${examples.length} pictures with ${numObjects} objects under ${LARGEST_OBJECT_PX} px`,
  );
  const size = Number(values.tile || 128);
  for (const tile of [undefined, { size, overlap: values.overlap }]) {
    const model = await open<'detect'>(values.run, { tile });
    const scores = await evaluate(model, examples);
    const { AP, AP50 } = scores['bbox'] as Readonly<Record<string, number>>;
    const how = tile ? `tiles of ${size} px` : 'whole pictures';
    const seconds = Number(scores['seconds']).toFixed(1);
    console.log(
      `${how}: AP ${(100 * AP).toFixed(1)}, AP50 ${(100 * AP50).toFixed(1)} % (${seconds} s)`,
    );
    await model.release();
  }
}

/** A picture of many reduced scenes. @param first index of the first scene to try */
async function assembled(
  first: number,
): Promise<{ readonly example: DetectionExample; readonly after: number }> {
  const [wide, high] = [SHAPES.width * REDUCED, SHAPES.height * REDUCED];
  const objects: DetectionExample['objects'][number][] = [];
  const cells: { input: Buffer; left: number; top: number }[] = [];
  let index = first;
  for (; cells.length < COLUMNS * ROWS; index++) {
    const scene = shapesScene(SHAPES, 'val', index);
    const boxes = sceneAnnotations(scene, 1, 1).map(({ bbox, category_id: id }) => ({
      label: id - 1,
      box: bbox.map((value) => value * REDUCED),
    }));
    if (boxes.some(({ box }) => Math.max(box[2], box[3]) >= LARGEST_OBJECT_PX)) continue;
    const [left, top] = [
      (cells.length % COLUMNS) * wide,
      Math.floor(cells.length / COLUMNS) * high,
    ];
    for (const { label, box } of boxes)
      objects.push({ label, box: [box[0] + left, box[1] + top, box[2], box[3]] });
    const { width, height, data } = renderScene(scene);
    const raw = sharp(data, { raw: { width, height, channels: 3 } }).resize(wide, high);
    cells.push({ input: await raw.png().toBuffer(), left, top });
  }
  const size = { width: wide * COLUMNS, height: high * ROWS };
  const { data } = await sharp({ create: { ...size, channels: 3, background: '#000' } })
    .composite(cells)
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { example: { image: { ...size, data }, objects }, after: index };
}

async function measureMemory(): Promise<void> {
  const { side } = values;
  const tile = { size: Number(values.tile || 1024), overlap: values.overlap };
  await inFolder(async (folder) => {
    const file = join(folder, 'large.tif');
    const { width, height, data }: RgbImage = renderScene(shapesScene(SHAPES, 'val', 0));
    const scene = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .toBuffer();
    await sharp({
      create: { width: side, height: side, channels: 3, background: '#000' },
      limitInputPixels: false,
    })
      .composite([{ input: scene, tile: true }])
      .removeAlpha()
      .tiff({ tile: true, tileWidth: 256, tileHeight: 256, compression: 'jpeg', bigtiff: true })
      .toFile(file);
    const mebibytes = (statSync(file).size / 2 ** 20).toFixed(0);
    const numTiles = tilesOf(tileGrid({ width: side, height: side }, tile)).length;
    console.log(`${side} x ${side} (${mebibytes} MiB), ${numTiles} tiles of ${tile.size}`);
    const model = values.task === 'segment' ? await segmenter() : await open<'detect'>(values.run);
    const start = performance.now();
    const result = await model.predict(file, { tile });
    const seconds = ((performance.now() - start) / 1000).toFixed(0);
    const found =
      result.task === 'detect'
        ? `${result.objects.length} objects`
        : `labels of ${result.width} x ${result.height}`;
    const peak = (process.resourceUsage().maxRSS / 2 ** 20).toFixed(2);
    console.log(`${found} in ${seconds} s; peak memory ${peak} GiB, with writing the picture`);
    await model.release();
  });
}

/** A UPerNet on Atto with random weights. */
async function segmenter() {
  const numClasses = values.classes;
  const head = {
    numClasses,
    channels: 64,
    poolScales: [1, 2, 3, 6],
    auxiliary: { channels: 8, weight: 0.4 },
  };
  const model = createUperNet(createDenseBackbone(VARIANTS.atto), head);
  const store = new ParameterStore(model.specs);
  store.initialize(0);
  return modelOf<'segment'>(await openEngine(), {
    card: {
      task: 'segment',
      backbone: VARIANTS.atto,
      head,
      pixels: IMAGENET_PIXELS,
      ratios: [1],
      limits: { long: 2048, short: 512 },
      window: { cropSize: 512, stride: 341 },
      classNames: Array.from({ length: numClasses }, (_, k) => `class ${k}`),
    },
    model,
    store,
  });
}
