import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Random } from '../core/random.js';
import { inFolder, outputOf } from './child.js';
import { writeCocoFile } from './coco-file.js';

/**
 * Measures time and peak memory of `data check` on generated annotation files: one of the size of COCO's training set,
 * and one beyond V8's limit for strings (512 Mi characters), which `JSON.parse` cannot read:
 * `npm run bench:data-check -- --mb 460 --mb 620`. Each check runs in a separate process; generation is not timed.
 *
 * Goals: 450 MB in at most 12 s and 1.5 GB; 600 MB must pass.
 */
const CLI = resolve(fileURLToPath(import.meta.url), '../../tools/cli.js');
const NUM_CATEGORIES = 80;
/** As in COCO's train2017. */
const ANNOTATIONS_PER_IMAGE = 7.27;
/** Mean number of bytes of a generated record. */
const BYTES = { annotation: 460, image: 336 };

/** Writes a file like instances_train2017.json. @returns the number of annotations */
function writeAnnotations(file: string, megabytes: number): number {
  const random = new Random(0);
  const round = (value: number): number => Math.round(value * 100) / 100;
  const numImages = Math.ceil(
    (megabytes * 1e6) / (ANNOTATIONS_PER_IMAGE * BYTES.annotation + BYTES.image),
  );
  const numAnnotations = Math.round(numImages * ANNOTATIONS_PER_IMAGE);
  const image = (i: number): object => {
    const name = `${String(i + 1).padStart(12, '0')}.jpg`;
    return {
      license: 3,
      file_name: name,
      coco_url: `http://images.cocodataset.org/train2017/${name}`,
      height: 480,
      width: 640,
      date_captured: '2013-11-14 11:18:45',
      flickr_url: 'http://farm9.staticflickr.com/8186/8119368305_4e622c8349_z.jpg',
      id: i + 1,
    };
  };
  const annotation = (a: number): object => {
    const [x, y] = [random.between(0, 500), random.between(0, 380)].map(round);
    const [w, h] = [random.between(4, 130), random.between(4, 95)].map(round);
    const polygon = [x, y, x + w, y, x + w, y + h, x, y + h];
    for (let p = random.integer(44); p > 0; p--)
      polygon.push(random.between(x, x + w), random.between(y, y + h));
    return {
      segmentation: [polygon.map(round)],
      area: round(w * h * 0.7),
      iscrowd: 0,
      image_id: 1 + random.integer(numImages),
      bbox: [x, y, w, h],
      category_id: 1 + random.integer(NUM_CATEGORIES),
      id: a + 1,
    };
  };
  const category = (c: number): object => ({
    supercategory: 'thing',
    id: c + 1,
    name: `class ${c + 1}`,
  });
  writeCocoFile(file, [
    ['images', numImages, image],
    ['annotations', numAnnotations, annotation],
    ['categories', NUM_CATEGORIES, category],
  ]);
  return numAnnotations;
}

interface CheckReport {
  readonly ok: boolean;
  readonly peakMemoryMb: number;
  readonly splits: readonly { readonly counts: { readonly annotations: number } }[];
}

const { values } = parseArgs({
  options: { mb: { type: 'string', multiple: true, default: ['460', '620'] } },
});
await inFolder((folder) => {
  for (const mb of values.mb) {
    const file = join(folder, 'instances.json');
    const annotations = writeAnnotations(file, Number(mb));
    const start = performance.now();
    const stdout = outputOf(process.execPath, [CLI, 'data', 'check', file, '--json']);
    const seconds = Math.round((performance.now() - start) / 10) / 100;
    const { ok, peakMemoryMb, splits } = JSON.parse(stdout) as CheckReport;
    if (!ok || splits[0].counts.annotations !== annotations)
      throw new Error(`data check: expected ${annotations} valid annotations, got ${stdout}`);
    const megabytes = Math.round(statSync(file).size / 1e6);
    console.log(JSON.stringify({ megabytes, annotations, seconds, peakMemoryMb }));
  }
});
