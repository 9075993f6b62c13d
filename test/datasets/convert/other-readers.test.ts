import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rleOfSegmentation } from '../../../core/coco.js';
import { decodeRle, type Rle } from '../../../core/rle.js';
import { rleFromString, rleToString } from '../../../core/rle-string.js';
import { boxOf } from '../../../io/coco/annotations.js';
import { rowsOf } from '../../../datasets/coco/samples.js';
import { loadCoco, type CocoSet } from '../../../datasets/coco/set.js';
import { convertSet } from '../../../datasets/convert/convert.js';
import { detectLayout } from '../../../datasets/layout/detect.js';
import { loadDetectionSplit } from '../../../datasets/layout/load.js';
import type { DetectionData } from '../../../datasets/layout/types.js';
import { scoreCoco } from '../../../tools/score/coco.js';
import {
  SET_FORMATS,
  SIZES,
  WRITTEN_CLASSES,
  writeEveryFormat,
} from '../../helpers/written-labels.js';

/** An object as a reader sees it. */
interface SeenObject {
  readonly name: string;
  readonly box: readonly number[];
  readonly polygons?: readonly (readonly number[])[];
  /** Run lengths as text. */
  readonly rle?: string;
}
type SeenImages = Readonly<Record<string, readonly SeenObject[]>>;

/** Annotations as the formats' own readers see them, by `test/oracles/label-readers.py`. */
const SEEN = JSON.parse(readFileSync('test/fixtures/label-readers.json', 'utf8')) as {
  readonly files: Readonly<Record<string, string>>;
  readonly scores: Readonly<Record<string, readonly number[]>>;
  readonly read: Readonly<Record<string, SeenImages>>;
};

const kept = process.env['LABEL_FILES'];
const root = kept ?? mkdtempSync(join(tmpdir(), 'label-readers-'));
const at = (...parts: string[]): string => join(root, ...parts);

beforeAll(async () => {
  if (kept !== undefined) rmSync(kept, { recursive: true, force: true });
  await writeEveryFormat(root);
});
afterAll(() => {
  if (kept === undefined) rmSync(root, { recursive: true });
});

/** Objects of all images of a set by our reader; polygons as they are. */
function imagesOf(sets: readonly CocoSet[]): SeenImages {
  const all: Record<string, SeenObject[]> = {};
  for (const set of sets)
    set.images.fileNames.forEach((fileName, image) => {
      all[fileName.replace(/^.*\//, '')[0]] = rowsOf(set, image).map((row) => {
        const mask = set.annotations.masks.get(row);
        const base = { name: set.classes.names[set.classIndices[row]], box: boxOf(set, row) };
        if (mask.kind === 'none') return base;
        if (mask.kind === 'rle') return { ...base, rle: rleToString(mask) };
        return { ...base, polygons: mask.polygons.map((polygon) => [...polygon]) };
      });
    });
  return all;
}

async function convertedImages(folder: string): Promise<SeenImages> {
  const data = (await detectLayout(folder)) as DetectionData;
  return imagesOf([await loadDetectionSplit(data, 'train'), await loadDetectionSplit(data, 'val')]);
}

async function predictedImages(folder: string, format: string): Promise<SeenImages> {
  const names = WRITTEN_CLASSES;
  const sources = {
    coco: { annotations: join(folder, 'annotations.json') },
    cvat: { format: 'cvat', annotations: join(folder, 'annotations.xml') },
    voc: { format: 'voc', annotations: join(folder, 'Annotations'), names },
    yolo: { format: 'yolo', annotations: join(folder, 'labels'), names },
    labelme: { format: 'labelme', annotations: join(folder, 'labelme'), names },
  } as const;
  return imagesOf([await loadCoco({ ...sources[format as 'coco'], images: at('images') })]);
}

/** Pixels of an object in the image of a name. */
function pixelsOf({ rle, polygons }: SeenObject, image: string): Uint8Array {
  const { width, height } = SIZES[image as 'a'];
  if (rle !== undefined) return decodeRle(rleFromString(rle, height, width));
  const mask: Rle = rleOfSegmentation(
    polygons!.map((polygon) => Float64Array.from(polygon)),
    height,
    width,
  );
  return decodeRle(mask);
}

/** The fraction of the pixels of one mask that are farther than one pixel from the other. */
function farFraction(a: Uint8Array, b: Uint8Array, width: number): number {
  const far = (of: Uint8Array, to: Uint8Array): number => {
    let count = 0;
    for (let i = 0; i < of.length; i++) {
      if (of[i] === 0) continue;
      let near = 0;
      for (const dy of [-width, 0, width])
        for (let dx = -1; dx <= 1; dx++) near += to[i + dy + dx] ?? 0;
      if (near === 0) count++;
    }
    return count;
  };
  return (far(a, b) + far(b, a)) / a.reduce((sum, pixel) => sum + pixel, 0);
}

/** Objects of several polygons as the readers of LabelMe and CVAT list them: every part by itself. */
function parts(object: SeenObject): readonly SeenObject[] {
  if (object.polygons === undefined) return [object];
  return object.polygons.map((polygon) => {
    const [xs, ys] = [0, 1].map((axis) => polygon.filter((_, i) => i % 2 === axis));
    const [x, y] = [Math.min(...xs), Math.min(...ys)];
    const box = [x, y, Math.max(...xs) - x, Math.max(...ys) - y];
    return { name: object.name, box, polygons: [polygon] };
  });
}

/** @param most largest difference, pixels */
function expectClose(
  got: readonly number[],
  wanted: readonly number[],
  what: string,
  most = 0.01,
): void {
  expect(got, what).toHaveLength(wanted.length);
  const differences = got.map((value, i) => Math.abs(value - wanted[i]));
  expect(Math.max(...differences), what).toBeLessThan(most);
}

test('the oracle read these very files', () => {
  expect(Object.keys(SEEN.files).length).toBeGreaterThan(60);
  for (const [path, sha256] of Object.entries(SEEN.files)) {
    const bytes = readFileSync(at(path));
    expect(createHash('sha256').update(bytes).digest('hex').slice(0, 16), path).toBe(sha256);
  }
});

test.each(Object.keys(SEEN.read))('%s sees the objects that we see', async (what) => {
  const [path, reader] = what.split(' by ');
  const [phase, , format] = path.split('/');
  const ours =
    phase === 'convert' ? await convertedImages(at(path)) : await predictedImages(at(path), format);
  const isByPart = reader === 'labelme' || (reader === 'datumaro' && format !== 'yolo');
  for (const image of ['a', 'b', 'c']) {
    const theirs = SEEN.read[what][image];
    const own = isByPart ? ours[image].flatMap(parts) : ours[image];
    expect(own.map(({ name }) => name)).toEqual(theirs.map(({ name }) => name));
    theirs.forEach((object, i) => {
      const where = `${what}: ${image}[${i}]`;
      // datumaro rounds positions and sizes to hundredths.
      const most = reader === 'datumaro' ? 0.0151 : 0.01;
      // supervision turns boxes of less than a pixel around, whose corners VOC counts inclusively.
      const isTurned =
        format === 'voc' && reader === 'supervision' && Math.min(own[i].box[2], own[i].box[3]) < 1;
      if (!isTurned) expectClose(own[i].box, object.box, where, most);
      if (object.polygons) expectClose(own[i].polygons![0], object.polygons[0], where, most);
      if (object.rle === undefined) return;
      const [a, b] = [own[i], object].map((seen) => pixelsOf(seen, image));
      // supervision rounds corners to pixels, fills borders and the lines between parts.
      if (reader === 'supervision')
        expect(farFraction(a, b, SIZES[image as 'a'].width), where).toBeLessThan(0.1);
      else expect(Buffer.compare(a, b), where).toBe(0);
    });
  }
});

test.each(Object.keys(SEEN.scores))('pycocotools scores as `score`: %s', async (what) => {
  const [kind, iouType, file] = what.split(' ');
  const dt = at('predict', kind, 'coco', 'shown.json');
  const document = JSON.parse(readFileSync(at('predict', kind, 'coco', file), 'utf8')) as
    { readonly annotations: unknown } | readonly unknown[];
  writeFileSync(dt, JSON.stringify('annotations' in document ? document.annotations : document));
  const { result } = await scoreCoco({
    gt: at('source', `${kind}-all.json`),
    dt: [dt],
    parts: [],
    errors: false,
    iouType: iouType as 'bbox' | 'segm',
    unknownImages: 'refuse',
    parameters: {},
  });
  const values = result.stats;
  SEEN.scores[what].forEach((value, i) => expect(values[i]).toBeCloseTo(value, 12));
});

test.each(Object.keys(SET_FORMATS) as (keyof typeof SET_FORMATS)[])(
  '%s pass from every format to every other',
  async (kind) => {
    const before = await convertedImages(at('source', kind));
    for (const from of SET_FORMATS[kind]) {
      const data = (await detectLayout(at('convert', kind, from))) as DetectionData;
      for (const to of SET_FORMATS[kind]) {
        if (to === from) continue;
        const folder = at('pairs', kind, `${from}-${to}`);
        if (existsSync(folder)) rmSync(folder, { recursive: true });
        await convertSet(data, folder, { to, images: 'link' });
        const after = await convertedImages(folder);
        for (const image of ['a', 'b', 'c']) {
          const where = `${from} to ${to}: ${image}`;
          expect(
            after[image].map(({ name }) => name),
            where,
          ).toEqual(before[image].map(({ name }) => name));
          after[image].forEach((object, i) => {
            const was = before[image][i];
            if (kind === 'boxes') return expectClose(object.box, was.box, where);
            const [a, b] = [object, was].map((seen) => pixelsOf(seen, image));
            // A line of YOLO holds one outline: parts and holes are joined.
            if (from === 'yolo' || to === 'yolo')
              expect(farFraction(a, b, SIZES[image as 'a'].width), where).toBeLessThan(0.1);
            else expect(Buffer.compare(a, b), where).toBe(0);
          });
        }
      }
    }
  },
);
