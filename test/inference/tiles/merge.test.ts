import { describe, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { commonRect, type Rect } from '../../../core/rect.js';
import { cropRle, rleBounds } from '../../../core/rle-crop.js';
import { decodeRle, encodeRle, rleArea, type Rle } from '../../../core/rle.js';
import type { Prediction } from '../../../inference/detect/prediction.js';
import { tileGrid, tilesOf, type TileOptions } from '../../../inference/tiles/grid.js';
import { mergeTiles } from '../../../inference/tiles/merge.js';

/** An object of a picture: a turned ellipse. */
interface Drawn {
  readonly x: number;
  readonly y: number;
  readonly a: number;
  readonly b: number;
  readonly turn: number;
  readonly classIndex: number;
}

const isInside = ({ x, y, a, b, turn }: Drawn, px: number, py: number): boolean => {
  const [dx, dy] = [px - x, py - y];
  const along = dx * Math.cos(turn) + dy * Math.sin(turn);
  const across = dy * Math.cos(turn) - dx * Math.sin(turn);
  return (along / a) ** 2 + (across / b) ** 2 <= 1;
};

/** Pixels of an object in a rectangle, column-major, as run lengths, with their box. */
function pixelsIn(
  object: Drawn,
  rect: Rect,
): { readonly mask: Rle; readonly box: number[] } | undefined {
  const reach = Math.ceil(Math.max(object.a, object.b)) + 1;
  const { x, y, width, height } = commonRect(rect, {
    x: Math.floor(object.x) - reach,
    y: Math.floor(object.y) - reach,
    width: 2 * reach + 1,
    height: 2 * reach + 1,
  });
  let [x1, y1, x2, y2] = [Infinity, Infinity, -Infinity, -Infinity];
  if (width <= 0 || height <= 0) return undefined;
  const counts: number[] = [];
  let end = 0;
  for (let px = x; px < x + width; px++)
    for (let py = y; py < y + height; py++) {
      if (!isInside(object, px + 0.5, py + 0.5)) continue;
      [x1, y1] = [Math.min(x1, px - rect.x), Math.min(y1, py - rect.y)];
      [x2, y2] = [Math.max(x2, px + 1 - rect.x), Math.max(y2, py + 1 - rect.y)];
      const at = (px - rect.x) * rect.height + py - rect.y;
      if (at === end && counts.length > 0) counts[counts.length - 1]++;
      else counts.push(at - end, 1);
      end = at + 1;
    }
  if (counts.length === 0) return undefined;
  counts.push(rect.width * rect.height - end);
  const mask = { width: rect.width, height: rect.height, counts: Uint32Array.from(counts) };
  return { mask, box: [x1, y1, x2, y2] };
}

/** A detector that returns what a tile shows of every object, best first. */
function detectExactly(
  objects: readonly Drawn[],
  tile: Rect,
  { random, masks, leastPx }: { random: Random; masks: boolean; leastPx: number },
): Prediction {
  const [x, y] = [tile.x + tile.width / 2, tile.y + tile.height / 2];
  const found = objects
    .filter((object) => {
      const reach = Math.max(object.a, object.b) + 2;
      const isNear = Math.abs(object.x - x) < reach + tile.width / 2;
      return isNear && Math.abs(object.y - y) < reach + tile.height / 2;
    })
    .flatMap((object) => {
      const shown = pixelsIn(object, tile);
      return shown && rleArea(shown.mask) >= leastPx ? [{ ...shown, object }] : [];
    })
    .map((each) => ({ ...each, score: 0.5 + random.uniform() / 2 }))
    .sort((a, b) => b.score - a.score);
  return {
    boxes: Float32Array.from(found.flatMap(({ box }) => box)),
    scores: Float32Array.from(found, ({ score }) => score),
    classIndices: Int32Array.from(found, ({ object }) => object.classIndex),
    masks: masks ? found.map(({ mask }) => mask) : [],
  };
}

/** Objects whose centers are near the seams of a grid, apart from each other by a least distance. */
function onSeams(
  random: Random,
  picture: { width: number; height: number },
  tile: TileOptions,
  { count, least, most, apart }: { count: number; least: number; most: number; apart: number },
): readonly Drawn[] {
  const { lefts, tops, width, height } = tileGrid(picture, tile);
  const seams = (starts: readonly number[], side: number): readonly number[] =>
    starts.flatMap((start) => [start, start + side]).filter((at) => at > 0);
  const [across, down] = [seams(lefts, width), seams(tops, height)];
  const objects: Drawn[] = [];
  for (let tries = 0; objects.length < count && tries < 400_000; tries++) {
    const a = least + random.uniform() * (most - least);
    const near = (at: readonly number[]): number =>
      at[random.integer(at.length)] + (random.uniform() - 0.5) * a;
    const isDown = random.uniform() < 0.5;
    const object = {
      x: isDown ? near(across) : random.uniform() * picture.width,
      y: isDown ? random.uniform() * picture.height : near(down),
      a,
      b: a * (0.4 + 0.6 * random.uniform()),
      turn: random.uniform() * Math.PI,
      classIndex: random.integer(2),
    };
    const isClear = objects.every(
      (other) => Math.hypot(other.x - object.x, other.y - object.y) > apart * (other.a + object.a),
    );
    const isShown =
      object.x > a && object.y > a && object.x < picture.width - a && object.y < picture.height - a;
    if (isClear && isShown) objects.push(object);
  }
  return objects;
}

function merged(
  objects: readonly Drawn[],
  picture: { width: number; height: number },
  tile: TileOptions,
  how: { seed: number; masks: boolean; leastPx?: number },
): Prediction {
  const random = new Random(how.seed);
  const grid = tileGrid(picture, tile);
  const found = tilesOf(grid).map((rect) =>
    detectExactly(objects, rect, { random, masks: how.masks, leastPx: how.leastPx ?? 1 }),
  );
  return mergeTiles(found, grid, picture, { acrossClassesIou: 0.7 });
}

/** Boxes of a prediction, rounded and sorted. */
const boxesOf = ({ boxes, classIndices }: Prediction): readonly string[] =>
  Array.from(
    classIndices,
    (k, d) => `${k} ${[...boxes.subarray(4 * d, 4 * d + 4)].map(Math.round).join()}`,
  ).sort();

const wholeBoxes = (objects: readonly Drawn[], picture: { width: number; height: number }) =>
  objects
    .map(
      (object) =>
        `${object.classIndex} ${pixelsIn(object, { x: 0, y: 0, ...picture })!.box.join()}`,
    )
    .sort();

describe.each([true, false])('500 objects across seams, with masks: %s', (masks) => {
  test.each([
    ['tiles of 128 px with an overlap of 0.2', { size: 128, overlap: 0.2 }, 4, 12, 1.1],
    ['tiles of 160 px with an overlap of 0.5', { size: 160, overlap: 0.5 }, 4, 20, 1.1],
    ['objects larger than the overlap', { size: 128, overlap: 0.1 }, 12, 40, 1.5],
    ['tiles without overlap', { size: 128, overlap: 0 }, 4, 14, 1.6],
  ])('%s: none is doubled, none lost', (_, tile, least, most, apart) => {
    const side = most > 20 ? 2800 : 1700;
    const picture = { width: side + 13, height: side - 29 };
    const objects = onSeams(new Random(5), picture, tile, { count: 500, least, most, apart });
    expect(objects).toHaveLength(500);
    const found = merged(objects, picture, tile, { seed: 1, masks });
    expect(boxesOf(found)).toEqual(wholeBoxes(objects, picture));
  });

  test('objects that touch or overlap each other stay apart', () => {
    const [picture, tile] = [
      { width: 1900, height: 1700 },
      { size: 160, overlap: 0.25 },
    ];
    const objects = onSeams(new Random(6), picture, tile, {
      count: 500,
      least: 5,
      most: 18,
      apart: 0.55,
    });
    const found = merged(objects, picture, tile, { seed: 2, masks, leastPx: 12 });
    expect(boxesOf(found)).toEqual(wholeBoxes(objects, picture));
  });
});

test('masks across seams are those of the objects', () => {
  const [picture, tile] = [
    { width: 300, height: 260 },
    { size: 100, overlap: 0.1 },
  ];
  const objects = [
    { x: 150, y: 130, a: 120, b: 60, turn: 0.5, classIndex: 0 },
    { x: 40, y: 220, a: 30, b: 20, turn: 0, classIndex: 1 },
  ];
  const { masks, scores } = merged(objects, picture, tile, { seed: 3, masks: true });
  expect(scores).toHaveLength(2);
  const areas = objects.map((object) =>
    rleArea(pixelsIn(object, { x: 0, y: 0, ...picture })!.mask),
  );
  expect(masks.map(rleArea).sort((a, b) => a - b)).toEqual(areas.sort((a, b) => a - b));
});

test('a part that one tile takes for another class is no second object', () => {
  const grid = tileGrid({ width: 180, height: 100 }, { size: 100, overlap: 0.2 });
  const one = (box: number[], score: number, classIndex: number): Prediction => ({
    boxes: Float32Array.from(box),
    scores: Float32Array.of(score),
    classIndices: Int32Array.of(classIndex),
    masks: [],
  });
  const found = [one([60, 20, 95, 60], 0.8, 0), one([0, 20, 15, 60], 0.9, 1)];
  const picture = { width: 180, height: 100 };
  const strict = mergeTiles(found, grid, picture);
  expect(strict.scores).toHaveLength(2);
  const { boxes, scores, classIndices } = mergeTiles(found, grid, picture, {
    acrossClassesIou: 0.7,
  });
  expect([[...boxes], [...classIndices]]).toEqual([[60, 20, 95, 60], [0]]);
  expect(scores[0]).toBeCloseTo(0.8);
});

test('a part that a tile sees smaller than it is belongs to its object, unless the tile has both', () => {
  const picture = { width: 180, height: 100 };
  const grid = tileGrid(picture, { size: 100, overlap: 0.2 });
  const of = (...boxes: number[][]): Prediction => ({
    boxes: Float32Array.from(boxes.flat()),
    scores: Float32Array.from(boxes, (_, i) => 0.9 - 0.1 * i),
    classIndices: new Int32Array(boxes.length),
    masks: [],
  });
  const whole = of([60, 20, 95, 60]);
  expect(mergeTiles([whole, of([0, 20, 5, 35])], grid, picture).scores).toHaveLength(1);
  expect(
    mergeTiles([whole, of([0, 20, 15, 60], [0, 20, 5, 35])], grid, picture).scores,
  ).toHaveLength(2);
  // Away from the seam it is an object of its own.
  expect(mergeTiles([whole, of([9, 25, 14, 35])], grid, picture).scores).toHaveLength(2);
});

test('no tile with detections gives none', () => {
  const picture = { width: 250, height: 100 };
  const grid = tileGrid(picture, { size: 100 });
  const none = {
    boxes: new Float32Array(0),
    scores: new Float32Array(0),
    classIndices: new Int32Array(0),
    masks: [],
  };
  expect(
    mergeTiles(
      tilesOf(grid).map(() => none),
      grid,
      picture,
    ),
  ).toEqual(none);
});

test('cropRle cuts the pixels of the rectangle, and rleBounds is that of the foreground', () => {
  const random = new Random(9);
  for (let i = 0; i < 50; i++) {
    const [width, height] = [1 + random.integer(9), 1 + random.integer(9)];
    const density = random.uniform();
    const mask = Uint8Array.from({ length: width * height }, () =>
      random.uniform() < density ? 1 : 0,
    );
    const [x, y] = [random.integer(width), random.integer(height)];
    const rect = {
      x,
      y,
      width: 1 + random.integer(width - x),
      height: 1 + random.integer(height - y),
    };
    const cut = cropRle(encodeRle(mask, height, width), rect);
    const expected: number[] = [];
    for (let row = 0; row < rect.height; row++)
      for (let column = 0; column < rect.width; column++)
        expected.push(mask[(y + row) * width + x + column]);
    expect([...decodeRle(cut)]).toEqual(expected);
    expect(cut).toEqual(encodeRle(Uint8Array.from(expected), rect.height, rect.width));
    const bounds = rleBounds(encodeRle(mask, height, width));
    const at = [...mask.keys()].filter((p) => mask[p] === 1);
    const [columns, rows] = [at.map((p) => p % width), at.map((p) => Math.floor(p / width))];
    const [left, top] = [Math.min(...columns), Math.min(...rows)];
    const size = { width: Math.max(...columns) + 1 - left, height: Math.max(...rows) + 1 - top };
    expect(bounds).toEqual(at.length === 0 ? undefined : { x: left, y: top, ...size });
  }
});
