import { spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Random } from '../core/random.js';
import { loadCoco } from '../datasets/coco/set.js';

/**
 * CPU time and peak memory of loading a generated COCO file of boxes alone, as Objects365 and the COCO-style exports of Open
 * Images are: `npm run bench:load-boxes -- --boxes 2000000`. Loading runs in a process of its own.
 */
const { values } = parseArgs({
  options: {
    boxes: { type: 'string', default: '2000000' },
    /** File to load in this process. */
    load: { type: 'string' },
  },
});

const BOXES_PER_IMAGE = 16;
const NUM_CATEGORIES = 365;

if (values.load === undefined) generateAndLoad(Number(values.boxes));
else {
  const before = process.cpuUsage();
  const { annotations, images } = await loadCoco({ annotations: values.load });
  const { user, system } = process.cpuUsage(before);
  const peak = process.resourceUsage().maxRSS / 2 ** 20;
  console.log(
    `${annotations.ids.length} boxes of ${images.ids.length} images: ${((user + system) / 1e6).toFixed(1)} s of CPU, peak ${peak.toFixed(2)} GiB`,
  );
}

function generateAndLoad(numBoxes: number): void {
  const folder = mkdtempSync(join(tmpdir(), 'boxes-'));
  const file = join(folder, 'annotations.json');
  try {
    write(file, numBoxes);
    console.log(`${(statSync(file).size / 2 ** 20).toFixed(0)} MiB`);
    const own = fileURLToPath(import.meta.url);
    const { status } = spawnSync(process.execPath, [own, '--load', file], { stdio: 'inherit' });
    process.exitCode = status ?? 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes boxes that are complete records: id, image, category, box, area, crowd flag. */
function write(file: string, numBoxes: number): void {
  const random = new Random(0);
  const out = openSync(file, 'w');
  let text = '';
  const list = (name: string, count: number, record: (index: number) => object): void => {
    text += `,"${name}":[`;
    for (let i = 0; i < count; i++) {
      text += (i > 0 ? ',' : '') + JSON.stringify(record(i));
      if (text.length < 1 << 22) continue;
      writeSync(out, text);
      text = '';
    }
    text += ']';
  };
  text = '{"info":{"description":"generated"}';
  list('categories', NUM_CATEGORIES, (k) => ({ id: k + 1, name: `class ${k + 1}` }));
  list('images', Math.ceil(numBoxes / BOXES_PER_IMAGE), (i) => ({
    ...{ id: i + 1, width: 1024, height: 768 },
    file_name: `images/v1/patch${i % 16}/objects365_v1_${String(i).padStart(8, '0')}.jpg`,
  }));
  const tenths = (low: number, high: number): number =>
    Math.round(10 * random.between(low, high)) / 10;
  list('annotations', numBoxes, (a) => {
    const bbox = [tenths(0, 700), tenths(0, 500), tenths(4, 300), tenths(4, 260)];
    return {
      ...{ id: a + 1, image_id: Math.floor(a / BOXES_PER_IMAGE) + 1 },
      ...{ category_id: 1 + random.integer(NUM_CATEGORIES), bbox },
      ...{ area: Math.round(bbox[2] * bbox[3]), iscrowd: 0, isfake: 0, isreflected: 0 },
    };
  });
  writeSync(out, `${text}}`);
  closeSync(out);
}
