import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Random } from '../core/random.js';
import { detectLayout } from '../datasets/layout/detect.js';
import { loadDetectionSplit } from '../datasets/layout/load.js';
import type { DetectionData } from '../datasets/layout/types.js';
import { encodeRgbPng } from '../io/png/write.js';
import { vocXml } from '../io/voc/write.js';
import { yoloText } from '../io/yolo/write.js';
import type { AnnotatedImage } from '../core/annotated-image.js';
import { inFolder, outputOf } from './child.js';
import { benchOptions } from './options.js';

/**
 * Measures time and peak memory of recognizing and loading generated sets: `npm run bench:formats -- --yolo 100000 --voc
 * 20000`, each also with a quarter of the images, and beside the same objects in one COCO file. Every set is loaded in a
 * process of its own; generation is not timed. Images are PNGs of 640 x 480, of which only headers are read.
 *
 * Goals: 100,000 YOLO or 20,000 VOC files in less than 20 s, and memory that does not grow with the images beyond names and
 * columns: `heldBytesPerImage` is what a loaded set holds, the peak is what the garbage collector lets grow.
 */
const CLASSES = Array.from({ length: 20 }, (_, k) => `class ${k}`);
const [WIDTH, HEIGHT] = [640, 480];

function sceneOf(i: number): AnnotatedImage {
  const random = new Random(i);
  const objects = Array.from({ length: 1 + random.integer(6) }, () => {
    const classIndex = random.integer(CLASSES.length);
    const [w, h] = [20 + random.integer(200), 20 + random.integer(200)];
    const box = [random.integer(WIDTH - w), random.integer(HEIGHT - h), w, h] as const;
    return { classIndex, name: CLASSES[classIndex], box, mask: { kind: 'none' } as const };
  });
  const fileName = `${String(i).padStart(6, '0')}.png`;
  return { fileName, width: WIDTH, height: HEIGHT, objects };
}

function generate(root: string, format: string, count: number): void {
  const png = encodeRgbPng({
    width: WIDTH,
    height: HEIGHT,
    data: new Uint8Array(3 * WIDTH * HEIGHT),
  });
  const [images, labels] = [
    join(root, 'images'),
    join(root, format === 'voc' ? 'annotations' : 'labels'),
  ];
  mkdirSync(images, { recursive: true });
  if (format !== 'coco') mkdirSync(labels, { recursive: true });
  const document = { images: [] as object[], annotations: [] as object[] };
  for (let i = 0; i < count; i++) {
    const scene = sceneOf(i);
    writeFileSync(join(images, scene.fileName), png);
    const path = (extension: string): string =>
      join(labels, scene.fileName.replace('png', extension));
    if (format === 'yolo') writeFileSync(path('txt'), yoloText(scene));
    else if (format === 'voc') writeFileSync(path('xml'), vocXml(scene));
    else {
      document.images.push({ id: i + 1, file_name: scene.fileName, width: WIDTH, height: HEIGHT });
      for (const { box, classIndex } of scene.objects)
        document.annotations.push({
          id: document.annotations.length + 1,
          image_id: i + 1,
          category_id: classIndex + 1,
          bbox: box,
          area: box[2] * box[3],
          iscrowd: 0,
        });
    }
  }
  if (format === 'yolo') writeFileSync(join(root, 'classes.txt'), `${CLASSES.join('\n')}\n`);
  if (format !== 'coco') return;
  const categories = CLASSES.map((name, k) => ({ id: k + 1, name }));
  writeFileSync(join(root, 'all.json'), JSON.stringify({ ...document, categories }));
}

/** Bytes of objects and typed arrays that are in use. */
async function used(): Promise<number> {
  // Listings of folders and array buffers are free only in a later turn.
  for (let n = 0; n < 3; n++) {
    globalThis.gc?.();
    await new Promise((resume) => setTimeout(resume, 20));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

async function load(root: string): Promise<void> {
  const before = await used();
  const start = performance.now();
  const data = (await detectLayout(root)) as DetectionData;
  const recognized = performance.now();
  const { images, annotations } = await loadDetectionSplit(data, 'train');
  const end = performance.now();
  console.log(
    JSON.stringify({
      line: data.line,
      images: images.ids.length,
      objects: annotations.ids.length,
      recognizedSeconds: (recognized - start) / 1000,
      loadedSeconds: (end - recognized) / 1000,
      cpuSeconds: (process.cpuUsage().user + process.cpuUsage().system) / 1e6,
      peakMiB: Math.round(process.resourceUsage().maxRSS / 1024),
      heldBytesPerImage: Math.round(((await used()) - before) / images.ids.length),
    }),
  );
}

const values = benchOptions(['load'], { yolo: 100000, voc: 20000 });
if (values.load !== undefined) await load(values.load);
else
  for (const [format, count] of [
    ['yolo', values.yolo / 4],
    ['yolo', values.yolo],
    ['coco', values.yolo],
    ['voc', values.voc / 4],
    ['voc', values.voc],
    ['coco', values.voc],
  ] as const) {
    await inFolder((root) => {
      generate(root, format, count);
      const args = ['--expose-gc', fileURLToPath(import.meta.url), '--load', root];
      console.log(`${format} ${count}: ${outputOf(process.execPath, args).trim()}`);
    });
  }
