import { statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../core/random.js';
import { loadCoco } from '../datasets/coco/set.js';
import { inFolder, outputOf } from './child.js';
import { writeCocoFile } from './coco-file.js';
import { benchOptions } from './options.js';

/**
 * CPU time and peak memory of loading a generated COCO file of boxes alone, as Objects365 and the COCO-style exports of Open
 * Images are: `npm run bench:load-boxes -- --boxes 2000000`. Loading runs in a process of its own.
 */
const values = benchOptions(['load'], {
  boxes: 2000000,
  /** File to load in this process. */
});

const BOXES_PER_IMAGE = 16;
const NUM_CATEGORIES = 365;

if (values.load === undefined)
  await inFolder((folder) => {
    const file = join(folder, 'annotations.json');
    write(file, values.boxes);
    console.log(`${(statSync(file).size / 2 ** 20).toFixed(0)} MiB`);
    const own = fileURLToPath(import.meta.url);
    console.log(outputOf(process.execPath, [own, '--load', file]).trim());
  });
else {
  const before = process.cpuUsage();
  const { annotations, images } = await loadCoco({ annotations: values.load });
  const { user, system } = process.cpuUsage(before);
  const peak = process.resourceUsage().maxRSS / 2 ** 20;
  console.log(
    `${annotations.ids.length} boxes of ${images.ids.length} images: ${((user + system) / 1e6).toFixed(1)} s of CPU, peak ${peak.toFixed(2)} GiB`,
  );
}

/** Writes boxes that are complete records: id, image, category, box, area, crowd flag. */
function write(file: string, numBoxes: number): void {
  const random = new Random(0);
  const category = (k: number): object => ({ id: k + 1, name: `class ${k + 1}` });
  const image = (i: number): object => ({
    id: i + 1,
    width: 1024,
    height: 768,
    file_name: `images/v1/patch${i % 16}/objects365_v1_${String(i).padStart(8, '0')}.jpg`,
  });
  const tenths = (low: number, high: number): number =>
    Math.round(10 * random.between(low, high)) / 10;
  const annotation = (a: number): object => {
    const bbox = [tenths(0, 700), tenths(0, 500), tenths(4, 300), tenths(4, 260)];
    return {
      id: a + 1,
      image_id: Math.floor(a / BOXES_PER_IMAGE) + 1,
      category_id: 1 + random.integer(NUM_CATEGORIES),
      bbox,
      area: Math.round(bbox[2] * bbox[3]),
      iscrowd: 0,
      isfake: 0,
      isreflected: 0,
    };
  };
  writeCocoFile(file, [
    ['categories', NUM_CATEGORIES, category],
    ['images', Math.ceil(numBoxes / BOXES_PER_IMAGE), image],
    ['annotations', numBoxes, annotation],
  ]);
}
