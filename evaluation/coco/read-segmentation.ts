import { DataError } from '../../core/errors.js';
import { rleFromBox, rleFromPolygons } from '../../core/rle-polygons.js';
import { assertMaskSize, mergeRles, rleFromCounts, type Rle } from '../../core/rle.js';
import { GrowingNumbers } from '../growing-array.js';
import type { JsonScanner } from '../json-scanner.js';
import type { MaskPoolBuilder } from './mask-pool.js';

/**
 * Reads a `segmentation` value straight into a pool of masks: compressed run lengths stay where they are in the
 * text, lists of run lengths and polygons are compressed.
 */
export class SegmentationReader {
  private readonly size = new Float64Array(2);
  private readonly counts = new GrowingNumbers();
  private hasSize = false;
  private hasList = false;
  private range: readonly [number, number] | undefined;

  constructor(
    private readonly scanner: JsonScanner,
    private readonly masks: MaskPoolBuilder,
  ) {}

  /**
   * @param sizeOfImage height and width in pixels, which polygons need
   * @returns whether there was a mask; an empty list of polygons is none
   * @throws DataError for any other form
   */
  read(sizeOfImage: () => readonly [height: number, width: number]): boolean {
    const kind = this.scanner.kind();
    if (kind === 'list') return this.readPolygons(sizeOfImage);
    if (kind !== 'object') throw this.scanner.error('polygons or run lengths');
    this.readRunLengths();
    return true;
  }

  private readRunLengths(): void {
    const { scanner, counts, masks } = this;
    this.hasSize = this.hasList = false;
    this.range = undefined;
    scanner.readObject(this.visit);
    const [height, width] = this.size;
    if (!this.hasSize || (!this.range && !this.hasList))
      throw new DataError('expected run lengths with size and counts');
    assertMaskSize('segmentation', height, width);
    if (this.range) masks.addRange(this.range[0], this.range[1], height, width);
    else masks.add(rleFromCounts(counts.view(), height, width));
  }

  private readonly visit = (key: string): void => {
    const { scanner, counts } = this;
    if (key === 'size') this.hasSize = scanner.readNumbers(this.size, 2);
    else if (key === 'counts' && scanner.kind() === 'list') {
      counts.length = 0;
      scanner.readList(() => counts.push(scanner.readNumber()));
      this.hasList = true;
    } else if (key === 'counts') this.range = scanner.readBytesInPlace();
    else scanner.skip();
  };

  private readPolygons(sizeOfImage: () => readonly [height: number, width: number]): boolean {
    const { scanner, counts } = this;
    const polygons: Float64Array[] = [];
    scanner.readList(() => {
      counts.length = 0;
      scanner.readList(() => counts.push(scanner.readNumber()));
      polygons.push(counts.view().slice());
    });
    if (polygons.length === 0) return false;
    const size = sizeOfImage();
    assertImageSize(size);
    this.masks.add(rasterise(polygons, size[0], size[1]));
    return true;
  }
}

/** @throws DataError unless the image has a size */
export function assertImageSize([height, width]: readonly [number, number]): void {
  if (!(height > 0) || !(width > 0))
    throw new DataError(`expected an image with height and width, got ${height} x ${width}`);
}

/** Polygons, or boxes where there are four numbers in the first list: so the reference takes them. */
function rasterise(polygons: readonly Float64Array[], height: number, width: number): Rle {
  if (polygons[0].length > 4) return rleFromPolygons(polygons, height, width);
  if (!polygons.every(({ length }) => length === 4))
    throw new DataError(`expected polygons of 6 numbers or more, got ${polygons[0].length}`);
  return mergeRles(
    polygons.map(([x, y, w, h]) => rleFromBox([x, y, w, h], height, width)),
    'union',
  );
}
