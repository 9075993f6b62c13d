import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { decodeImage } from '../../io/image/decode.js';
import type { RgbImage } from '../../core/image.js';
import { evaluationGeometry, resizeForEvaluation } from '../../datasets/transforms/evaluation.js';
import { keepRatioSize } from '../../datasets/transforms/keep-ratio.js';
import {
  IMAGENET_PIXELS,
  normalizationTable,
  normalizeInto,
} from '../../datasets/transforms/normalize.js';
import type { PilFilter } from '../../datasets/transforms/pil-coefficients.js';
import { resizeLinearCv } from '../../datasets/transforms/resize-cv.js';
import { resizePil } from '../../datasets/transforms/resize-pil.js';
import { discoverFixtures, maxError, type Fixture } from '../helpers/fixtures.js';
import { resizeNearestCv } from '../datasets/transforms/resize-nearest-cv.js';

type Pair = readonly [number, number];
interface PreprocessJson {
  readonly config: {
    readonly image_wh: Pair;
    readonly sizes_wh: readonly Pair[];
    readonly box_xyxy: readonly [number, number, number, number];
    readonly int_box: readonly [number, number, number, number];
    readonly eval: {
      readonly short_side: number;
      readonly resized_wh: Pair;
      readonly crop: number;
      readonly left_top: Pair;
    };
  };
  readonly files: readonly string[];
  readonly tolerance: readonly string[];
  readonly extra: {
    readonly keep_ratio_sizes: readonly {
      readonly wh: Pair;
      readonly scale: Pair;
      readonly out_wh: Pair;
    }[];
  };
}

const fixtures = discoverFixtures<PreprocessJson>('preprocess');

/** The number after `±` or alone in `name: …`, e.g. 1 of `cv.linear: +-1`. */
function tolerance({ json }: Fixture<PreprocessJson>, name: string): number {
  const text = json.tolerance.find((line) => line.startsWith(`${name}:`)) ?? '';
  const number = /\+-(\d+)|(\d+e-\d+)/.exec(text);
  return number === null ? 0 : Number(number[1] ?? number[2]);
}

function tensor(fixture: Fixture<PreprocessJson>, name: string): ArrayLike<number> {
  const found = fixture.tensors.get(name);
  if (found === undefined) throw new Error(`${fixture.name}: no tensor ${name}`);
  return found.data;
}

/** Tensor names of the form `prefix…WxH`, with the size. */
function sized(fixture: Fixture<PreprocessJson>, prefix: string): [string, number, number][] {
  return [...fixture.tensors.keys()]
    .filter((name) => name.startsWith(prefix))
    .map((name) => {
      const [width, height] = (/(\d+)x(\d+)$/.exec(name) ?? []).slice(1).map(Number);
      return [name, width, height];
    });
}

describe.each(fixtures)('$name', (fixture) => {
  const { config, files, extra } = fixture.json;
  const picture = (): Promise<RgbImage> =>
    decodeImage(join(fixture.folder, files.find((f) => f.endsWith('.png')) ?? ''));
  const isPlain = (name: string): boolean => /^pil\.\w+\.\d+x\d+$/.test(name);

  test.each(sized(fixture, 'pil.').filter(([name]) => isPlain(name)))(
    '%s is exact',
    async (name, width, height) => {
      const filter = name.split('.')[1] as PilFilter;
      const { data } = resizePil(await picture(), { filter, size: { width, height } });
      expect(maxError(data, tensor(fixture, name))).toBe(0);
    },
  );

  test.each(sized(fixture, 'pil.').filter(([name]) => name.includes('.box.')))(
    '%s is exact with a fractional box',
    async (name, width, height) => {
      const filter = name.split('.')[1] as PilFilter;
      const options = { filter, size: { width, height }, box: config.box_xyxy };
      expect(maxError(resizePil(await picture(), options).data, tensor(fixture, name))).toBe(0);
    },
  );

  test.each(sized(fixture, 'pil.').filter(([name]) => name.includes('crop_then')))(
    '%s is exact: the filter does not see beyond a crop',
    async (name, width, height) => {
      const [x, y, x2, y2] = config.int_box;
      const crop = { x, y, width: x2 - x, height: y2 - y };
      const filter = name.split('.')[1] as PilFilter;
      const { data } = resizePil(await picture(), { filter, size: { width, height }, crop });
      expect(maxError(data, tensor(fixture, name))).toBe(0);
    },
  );

  test.each(sized(fixture, 'cv.linear.'))('%s is within ±1', async (name, width, height) => {
    const image = await picture();
    const cut = /topleft(\d+)_/.exec(name);
    const side = Number(cut?.[1]);
    const source = cut ? resizePil(image, cropOnly(side)) : image;
    const { data } = resizeLinearCv(source, { size: { width, height } });
    expect(maxError(data, tensor(fixture, name))).toBeLessThanOrEqual(
      tolerance(fixture, 'cv.linear'),
    );
  });

  test.each(sized(fixture, 'cv.nearest.'))('%s is exact', (name, width, height) => {
    const [w, h] = config.image_wh;
    const label = { width: w, height: h, data: Uint8Array.from(tensor(fixture, 'label')) };
    const { data } = resizeNearestCv(label, { width, height });
    expect(maxError(data, tensor(fixture, name))).toBe(0);
  });

  test('the evaluation transform resizes, crops and normalizes as the original', async () => {
    const { crop, short_side, resized_wh, left_top } = config.eval;
    const resize = {
      inputSize: crop,
      cropFraction: crop / (short_side + 0.5), // int() must give short_side whatever the rounding
      mode: 'crop',
      filter: 'bicubic',
    } as const;
    const image = await picture();
    const { size, window } = evaluationGeometry(image, resize);
    expect([size.width, size.height]).toEqual(resized_wh);
    expect([window.x, window.y]).toEqual(left_top);
    const resized = resizeForEvaluation(image, resize);
    expect(maxError(resized.data, tensor(fixture, 'eval.uint8'))).toBe(0);

    const batch = new Float32Array(crop * crop * 3);
    normalizeInto(resized, normalizationTable(IMAGENET_PIXELS), batch, { offset: 0 });
    const half = Math.ceil(crop / 2);
    const sampled = Float32Array.from({ length: 3 * half * half }, (_, i) => {
      const [c, y, x] = [Math.floor(i / half / half), Math.floor(i / half) % half, i % half];
      return batch[(2 * y * crop + 2 * x) * 3 + c];
    });
    expect(maxError(sampled, tensor(fixture, 'eval.normalised_nchw'))).toBeLessThan(
      tolerance(fixture, 'normalised'),
    );
  });

  test('the detectors’ normalization is the same in other units', async () => {
    const [width] = config.image_wh;
    const { data } = await picture();
    const rows = { width, height: 2, data: data.subarray(0, width * 6) };
    const batch = new Float32Array(width * 6);
    normalizeInto(rows, normalizationTable(IMAGENET_PIXELS), batch, { offset: 0 });
    const nchw = Float32Array.from(
      batch,
      (_, i) => batch[(i % (2 * width)) * 3 + Math.floor(i / (2 * width))],
    );
    expect(maxError(nchw, tensor(fixture, 'norm255_first2rows_nchw'))).toBeLessThan(
      tolerance(fixture, 'normalised'),
    );
  });

  test.each(files.filter((file) => file.endsWith('.jpg')))(
    '%s decodes as libjpeg does, not turned',
    async (file) => {
      const image = await decodeImage(join(fixture.folder, file));
      expect([image.width, image.height]).toEqual(config.image_wh);
      const name = file.replace(/^.*?_(q\d+_[a-z0-9]+).*$/, 'jpeg.$1');
      const expected = tensor(fixture, name);
      const isGray = expected.length * 3 === image.data.length;
      const rgb = isGray ? image.data.map((_, i) => expected[Math.floor(i / 3)]) : expected;
      expect(maxError(image.data, rgb)).toBeLessThanOrEqual(tolerance(fixture, 'jpeg'));
    },
  );

  test.each(extra.keep_ratio_sizes)('$wh limited to $scale becomes $out_wh', (row) => {
    const limits = { long: Math.max(...row.scale), short: Math.min(...row.scale) };
    const { width, height } = keepRatioSize({ width: row.wh[0], height: row.wh[1] }, limits);
    expect([width, height]).toEqual(row.out_wh);
  });
});

function cropOnly(side: number) {
  const square = { width: side, height: side };
  return { filter: 'bilinear', size: square, crop: { x: 0, y: 0, ...square } } as const;
}
