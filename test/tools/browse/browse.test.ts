import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeRle } from '../../../core/rle.js';
import { encodeLabelPng, encodeRgbPng } from '../../../io/png/write.js';
import { chooseImages, shareLimit } from '../../../tools/browse/choose.js';
import { client } from '../../../tools/browse/client.js';
import type { PageData } from '../../../tools/browse/page-data.js';
import { classColors, maskPicture } from '../../../tools/browse/pictures.js';
import { writeBrowser } from '../../../tools/browse/write.js';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'browse-'));
});
afterAll(() => rmSync(root, { recursive: true }));

const OPTIONS = { limit: 50, thumbnail: 64 };
const EVIL = '</script><img src=x onerror=alert(1)>"&';

/** Writes the page and returns its text and the data in it. */
async function browse(
  path: string,
  options = OPTIONS,
): Promise<{ readonly html: string; readonly page: PageData }> {
  const file = join(root, 'out', 'page.html');
  await writeBrowser(path, file, options);
  expect(readdirSync(join(root, 'out'))).toEqual(['page.html']);
  const html = readFileSync(file, 'utf8');
  const json = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(html)?.[1] ?? '';
  return { html, page: JSON.parse(json) as PageData };
}

function cocoFolder(): string {
  const folder = join(root, 'coco');
  mkdirSync(join(folder, 'images'), { recursive: true });
  const rgb = encodeRgbPng({ width: 40, height: 30, data: new Uint8Array(3600).fill(90) });
  writeFileSync(join(folder, 'images/a.png'), rgb);
  writeFileSync(join(folder, 'images/b.png'), rgb.subarray(0, 50));
  const object = { image_id: 1, category_id: 1, bbox: [2, 3, 10, 12], area: 120, iscrowd: 0 };
  const mask = encodeRle(new Uint8Array(1200).fill(1, 400, 500), 30, 40);
  writeFileSync(
    join(folder, 'export.json'),
    JSON.stringify({
      categories: [
        { id: 1, name: EVIL },
        { id: 2, name: 'cat' },
        { id: 2, name: 'dog' }, // an error that must not keep the page from being written
      ],
      images: ['a.png', 'b.png', 'c.png', '../a.png'].map((name, i) => ({
        id: i + 1,
        file_name: name,
        width: 40,
        height: 30,
      })),
      annotations: [
        { ...object, id: 1, segmentation: [[2, 3, 12, 3, 12, 15, 2, 15]] },
        {
          ...object,
          id: 2,
          segmentation: { size: [30, 40], counts: [...mask.counts] },
          iscrowd: 1,
        },
        { ...object, id: 3, category_id: 2, bbox: [60, 3, 10, 12] },
        { ...object, id: 4, image_id: 99 },
        { ...object, id: 5, bbox: [2, 3, 10, 12.2] },
      ],
    }),
  );
  return folder;
}

test('the page of a detection set shows every image, object and concern, also of a broken set', async () => {
  const { page } = await browse(cocoFolder());
  expect(page.classes.map(({ name }) => name)).toEqual([EVIL, 'cat']);
  expect(page.cards.map(({ file, id }) => [file, id])).toEqual([
    ['a.png', 1],
    ['b.png', 2],
    ['c.png', 3],
    ['../a.png', 4],
  ]);
  const [first, cut, missing, outside] = page.cards;
  expect(first.thumbnail).toMatch(/^data:image\/jpeg;base64,/);
  expect(first.fullest).toBe(true);
  expect(first.objects.map(({ id }) => id).sort()).toEqual([1, 2, 3, 5]);
  const byId = new Map(first.objects.map((object) => [object.id, object]));
  expect(byId.get(1)).toMatchObject({
    path: 'M2 3L12 3L12 15L2 15Z',
    size: 'small',
    isCrowd: false,
    concerns: [],
  });
  expect(byId.get(2)).toMatchObject({ isCrowd: true });
  expect(byId.get(2)?.mask).toMatch(/^data:image\/png;base64,/);
  expect(byId.get(3)?.concerns[0]).toContain('expected a box that overlaps its image');
  expect(byId.get(5)?.concerns).toEqual(['nearly the same box as 1']);
  expect(cut.failure).toContain('expected a complete PNG');
  expect(missing.failure).toContain('ENOENT');
  expect(outside.failure).toBe('the name leads out of the image folder');
  const concerns = page.concerns.map(({ severity, card, object }) => [severity, card, object]);
  expect(concerns).toContainEqual(['error', undefined, 4]); // of an image that is not listed
  expect(concerns).toContainEqual(['error', 2, undefined]); // the missing file
  expect(concerns).toContainEqual(['warning', 0, 3]);
  expect(concerns).toContainEqual(['look', 0, 5]);
  expect(page.numConcerns).toBe(page.concerns.length);
  expect(Object.fromEntries(page.splits[0].facts)).toMatchObject({
    images: '4',
    annotations: '4',
    crowds: '1',
  });
});

test('the page loads nothing from outside, and no name of the set becomes markup', async () => {
  const { html } = await browse(cocoFolder());
  expect(html).toContain("default-src 'none'");
  expect(html.replace(/xmlns|http:\/\/www\.w3\.org\/2000\/svg/g, '')).not.toMatch(/https?:/);
  expect(html).not.toContain('<img');
  expect(html.match(/<script/g)).toHaveLength(2);
  expect(html.match(/<\/script>/g)).toHaveLength(2);
  expect(html).toContain('&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&amp;');
});

test('the script of the page stands alone', () => {
  const text = client.toString();
  expect(() => new Function(`(${text})`)).not.toThrow();
  expect(text).not.toMatch(/__vite|__name|import_|require\(/);
});

test('the page of a segmentation set shows labels and fractions', async () => {
  const folder = join(root, 'segmentation');
  for (const part of ['images', 'labels']) mkdirSync(join(folder, part), { recursive: true });
  writeFileSync(join(folder, 'classes.txt'), 'road\ngrass\nsky\n');
  const rgb = encodeRgbPng({ width: 4, height: 2, data: new Uint8Array(24) });
  for (const name of ['a', 'b']) writeFileSync(join(folder, `images/${name}.png`), rgb);
  const label = (...data: number[]): Uint8Array =>
    encodeLabelPng({ width: 4, height: 2, data: Uint8Array.from(data) });
  writeFileSync(join(folder, 'labels/a.png'), label(0, 0, 0, 0, 2, 2, 255, 255));
  writeFileSync(join(folder, 'labels/b.png'), label(0, 0, 0, 0, 9, 0, 0, 0));
  const { page } = await browse(folder);
  expect(page.cards[0]).toMatchObject({
    file: 'a.png',
    fractions: [
      [0, 0.5],
      [2, 0.25],
    ],
    ignored: 0.25,
  });
  const overlay = Buffer.from(page.cards[0].overlay?.split(',')[1] ?? '', 'base64');
  const pixels = await sharp(overlay).raw().toBuffer(); // [2, 4, 4]
  const colors = classColors(3).map((hex) => [...Buffer.from(hex.slice(1), 'hex'), 255]);
  expect([...pixels.subarray(0, 4)]).toEqual(colors[0]);
  expect([...pixels.subarray(16, 20)]).toEqual(colors[2]);
  expect([...pixels.subarray(24, 28)]).toEqual([0, 0, 0, 0]);
  expect(page.concerns).toHaveLength(1);
  expect(page.concerns[0]).toMatchObject({ severity: 'error', card: 1 });
  expect(page.concerns[0].message).toContain('got 9 in 1 pixels');
});

test('the page of a classification set shows images with their class', async () => {
  const folder = join(root, 'classes');
  const rgb = encodeRgbPng({ width: 8, height: 6, data: new Uint8Array(144) });
  for (const name of ['cat', 'dog']) {
    mkdirSync(join(folder, 'train', name), { recursive: true });
    writeFileSync(join(folder, 'train', name, '1.png'), rgb);
  }
  const { page } = await browse(folder);
  expect(page.cards.map(({ fractions, width, height }) => ({ fractions, width, height }))).toEqual([
    { fractions: [[0, 1]], width: 8, height: 6 },
    { fractions: [[1, 1]], width: 8, height: 6 },
  ]);
  expect(page.classes.map(({ name }) => name)).toEqual(['cat', 'dog']);
});

test('chosen images are the urgent ones and an even choice of the others, never more than the limit', () => {
  expect(chooseImages(10, [], 5)).toEqual([1, 3, 5, 7, 9]);
  expect(chooseImages(3, [2], 10)).toEqual([0, 1, 2]);
  expect(chooseImages(100, [70, 70, 3], 4)).toEqual([3, 25, 70, 75]);
  expect(chooseImages(0, [], 5)).toEqual([]);
  fc.assert(
    fc.property(
      fc.nat(40),
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.nat(39)),
      (count, limit, urgent) => {
        const inside = urgent.filter((i) => i < count);
        const chosen = chooseImages(count, inside, limit);
        expect(chosen).toHaveLength(Math.min(count, limit));
        expect(new Set(chosen).size).toBe(chosen.length);
        const first = [...new Set(inside)].slice(0, Math.ceil(limit / 2));
        expect(first.every((i) => chosen.includes(i))).toBe(true);
      },
    ),
  );
});

test('the page is divided equally among the splits, and none is left out', () => {
  expect(shareLimit([150, 60], 200)).toEqual([140, 60]);
  expect(shareLimit([150, 60], 20)).toEqual([10, 10]);
  expect(shareLimit([5, 0, 5], 100)).toEqual([5, 1, 5]);
});

test('colors of classes differ, and a mask has the color of its class', async () => {
  const colors = classColors(80);
  expect(new Set(colors).size).toBe(80);
  for (const color of colors) expect(color).toMatch(/^#[0-9a-f]{6}$/);
  const rle = encodeRle(Uint8Array.of(0, 1, 1, 0), 2, 2);
  const uri = maskPicture(rle, '#102030', 64);
  const pixels = await sharp(Buffer.from(uri.split(',')[1], 'base64'))
    .raw()
    .toBuffer();
  expect([...pixels]).toEqual([0, 0, 0, 0, 16, 32, 48, 255, 16, 32, 48, 255, 0, 0, 0, 0]);
});

test('names are shown on pictures with few objects while the box for them is checked', async () => {
  const { html } = await browse(cocoFolder());
  const shown = /([^{}]*)\{\s*display: block;\s*\}/.exec(
    html.slice(html.indexOf('figure .name')),
  )?.[1];
  const [, name] = /figure\.(\w+) \.name/.exec(shown ?? '') ?? [];
  expect(client.toString()).toMatch(new RegExp(`classList\\.add\\(["']${name}["']\\)`));
  expect(html).toContain('<input type="checkbox" id="names" checked>');
});
