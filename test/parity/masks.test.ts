import { describe, expect, test } from 'vitest';
import { identityGrid, maskTargets, type MaskSource } from '../../core/mask-targets.js';
import { pasteMaskRle } from '../../core/paste-mask.js';
import { rleFromPolygons } from '../../core/rle-polygons.js';
import { decodeRle, encodeRle, type Rle } from '../../core/rle.js';
import { slowPaste } from '../core/slow-paste.js';
import { discoverFixtures, maxError } from '../helpers/fixtures.js';
import { statedTolerance } from './stated-tolerance.js';

interface MasksJson {
  readonly config: { readonly image: readonly [number, number] };
  readonly polygons: readonly (readonly (readonly number[])[])[];
  readonly rle: readonly { readonly counts: readonly number[] }[];
  readonly tolerance: readonly string[];
}

const fixtures = discoverFixtures<MasksJson>('masks');

describe.each(fixtures)('$name', ({ json, tensors }) => {
  const floats = (name: string): Float32Array => tensors.get(name)!.data as Float32Array;
  const bytes = (name: string): Uint8Array => tensors.get(name)!.data as Uint8Array;
  const [height, width] = json.config.image;
  const image = { width, height };
  const bitmaps = json.polygons.map((_, i) =>
    bytes('bitmaps').subarray(i * width * height, (i + 1) * width * height),
  );

  test('polygons give the bitmaps and run lengths of the original', () => {
    json.polygons.forEach((polygons, i) => {
      const rle = rleFromPolygons(polygons, height, width);
      expect([...rle.counts]).toEqual(json.rle[i].counts);
      expect(decodeRle(rle)).toEqual(bitmaps[i]);
    });
  });

  const sources: Readonly<Record<string, readonly MaskSource[]>> = {
    polygons: json.polygons.map((polygons) => ({ kind: 'polygons', polygons })),
    'run lengths': json.rle.map(({ counts }) => ({
      kind: 'rle',
      counts: Uint32Array.from(counts),
      width,
      height,
    })),
    bitmaps: bitmaps.map((data) => ({ kind: 'bitmap', data, width, height })),
  };

  test.each(Object.keys(sources))('mask targets from %s are exact', (kind) => {
    const names = [...tensors.keys()].filter((name) => name.startsWith('targets'));
    expect(names).not.toEqual([]);
    for (const name of names) {
      const targets = maskTargets(
        floats('proposals'),
        tensors.get('assigned_gt')!.data as Int32Array,
        sources[kind],
        {
          maskSize: tensors.get(name)!.shape[1],
          canvas: image,
          grid: identityGrid(image),
        },
      );
      expect(targets).toEqual(bytes(name));
    }
  });

  const [D, side] = tensors.get('paste.masks')!.shape;
  const pasted = Array.from({ length: D }, (_, i) => ({
    mask: floats('paste.masks').subarray(i * side * side, (i + 1) * side * side),
    box: floats('paste.boxes').subarray(4 * i, 4 * i + 4),
  }));

  test('pasted masks are exact', () => {
    pasted.forEach((one, i) => {
      const expected = bytes('paste.binary').subarray(i * width * height, (i + 1) * width * height);
      expect(pasteMaskRle(one, image)).toEqual<Rle>(encodeRle(expected, height, width));
    });
  });

  test('pasted probabilities', () => {
    const soft = statedTolerance(json, 'soft');
    const names = [...tensors.keys()].filter((name) => name.startsWith('paste.soft'));
    expect(names).not.toEqual([]);
    for (const name of names) {
      const index = Number(name.slice('paste.soft'.length));
      expect(maxError(slowPaste(pasted[index], image), floats(name))).toBeLessThanOrEqual(soft);
    }
  });
});
