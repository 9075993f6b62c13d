import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { boxIou, rleIou } from '../../core/rle-iou.js';
import { rleFromBox, rleFromPolygons } from '../../core/rle-polygons.js';
import { rleFromString, rleToString } from '../../core/rle-string.js';
import {
  decodeRle,
  encodeRle,
  mergeRles,
  rleArea,
  rleBox,
  rleFromCounts,
  type Rle,
} from '../../core/rle.js';
import { discoverMetricFixtures } from '../evaluation/metric-fixtures.js';

interface RleJson {
  readonly size: readonly [number, number];
  readonly counts: string;
}

interface MaskCase {
  readonly name: string;
  readonly h: number;
  readonly w: number;
  readonly rle: RleJson;
  readonly counts: readonly number[];
  readonly area: number;
  readonly bbox: readonly number[];
  readonly decodedSha256: string;
  readonly decoded?: readonly string[];
  readonly bitmap?: readonly string[];
  readonly polygons?: readonly (readonly number[])[];
  readonly parts?: readonly RleJson[];
  readonly input?: { readonly size: readonly [number, number]; readonly counts: readonly number[] };
  readonly box?: readonly [number, number, number, number];
}

const parse = ({ size, counts }: RleJson): Rle => rleFromString(counts, size[0], size[1]);
const json = (rle: Rle): RleJson => ({ size: [rle.height, rle.width], counts: rleToString(rle) });
const rows = (mask: Uint8Array, width: number, height: number): string[] =>
  Array.from({ length: height }, (_, y) => mask.subarray(y * width, (y + 1) * width).join(''));

function discover<Case>(kind: string): { name: string; cases: readonly Case[] }[] {
  return discoverMetricFixtures<{ cases: readonly Case[] }>('rle', (file) =>
    file.startsWith(kind),
  ).map(({ name, json: { cases } }) => ({ name, cases }));
}

function expectMask(rle: Rle, expected: MaskCase): void {
  expect(json(rle)).toEqual(expected.rle);
  expect([...rle.counts]).toEqual(expected.counts);
  expect(parse(expected.rle)).toEqual(rle);
  expect(rleArea(rle)).toBe(expected.area);
  expect(rleBox(rle)).toEqual(expected.bbox);
  const mask = decodeRle(rle);
  expect(createHash('sha256').update(mask).digest('hex')).toBe(expected.decodedSha256);
  const picture = expected.decoded ?? expected.bitmap;
  if (picture) expect(rows(mask, rle.width, rle.height)).toEqual(picture);
}

describe.each(discover<MaskCase>('polygons'))('$name', ({ cases }) => {
  test.each(cases)('rasterizes $name as the COCO API does', (c) => {
    const polygons = c.polygons ?? [];
    expect(polygons.map((part) => json(rleFromPolygons([part], c.h, c.w)))).toEqual(c.parts);
    expectMask(rleFromPolygons(polygons, c.h, c.w), c);
  });
});

describe.each(discover<MaskCase>('bitmaps'))('$name', ({ cases }) => {
  test.each(cases)('encodes $name', (c) => {
    const bitmap = c.bitmap ?? c.decoded;
    if (!bitmap) return expectMask(parse(c.rle), c);
    const mask = Uint8Array.from(bitmap.join(''), Number);
    expectMask(encodeRle(mask, c.h, c.w), c);
  });
});

describe.each(discover<MaskCase>('uncompressed'))('$name', ({ cases }) => {
  test.each(cases)('keeps the runs of $name', (c) => {
    const { size, counts } = c.input ?? { size: c.rle.size, counts: c.counts };
    expectMask(rleFromCounts(counts, size[0], size[1]), c);
  });
});

describe.each(discover<MaskCase>('boxes'))('$name', ({ cases }) => {
  test.each(cases)('rasterizes $name', (c) => {
    expectMask(rleFromBox(c.box ?? [0, 0, 0, 0], c.h, c.w), c);
  });
});

interface MergeCase {
  readonly name: string;
  readonly inputs: readonly RleJson[];
  readonly union: { rle: RleJson; area: number; bbox: number[] };
  readonly intersection: { rle: RleJson; area: number; bbox: number[] };
}

describe.each(discover<MergeCase>('merge'))('$name', ({ cases }) => {
  test.each(cases)('merges $name', ({ inputs, ...expected }) => {
    for (const mode of ['union', 'intersection'] as const) {
      const merged = mergeRles(inputs.map(parse), mode);
      expect({ rle: json(merged), area: rleArea(merged), bbox: rleBox(merged) }).toEqual({
        rle: expected[mode].rle,
        area: expected[mode].area,
        bbox: expected[mode].bbox,
      });
    }
  });
});

type IouCase = { readonly name: string; readonly iscrowd: number[]; readonly iou: number[][] } & (
  | { readonly kind: 'mask'; readonly dt: RleJson[]; readonly gt: RleJson[] }
  | { readonly kind: 'box'; readonly dt: number[][]; readonly gt: number[][] }
);

describe.each(discover<IouCase>('iou'))('$name', ({ cases }) => {
  test.each(cases)('gives the IoU of $name', (c) => {
    const ious =
      c.kind === 'mask'
        ? rleIou(c.dt.map(parse), c.gt.map(parse), c.iscrowd)
        : boxIou(c.dt.flat(), c.gt.flat(), c.iscrowd);
    expect([...ious]).toEqual(c.iou.flat());
  });
});
