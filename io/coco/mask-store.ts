import type { Segmentation } from '../../core/coco.js';
import { Blocks } from '../../core/blocks.js';
import { Column } from '../../core/column.js';
import type { Rle } from '../../core/rle.js';

const [NONE, POLYGONS_HUNDREDTHS, POLYGONS_FLOAT64, RUNS] = [0, 1, 2, 3];

/**
 * Masks of a set in blocks of typed arrays. COCO's coordinates have two decimals: values below 655.36 are stored as
 * 16-bit hundredths, which is exact (`1234 / 100` equals the parsed `12.34`) and a quarter of float64; polygons with
 * other coordinates are stored as float64.
 */
export class MaskStore {
  /** Of each mask: kind + 4 · position of its layout. */
  private readonly entries = new Column();
  /** Of each mask of polygons: position of its coordinates. */
  private readonly coordinates = new Column();
  private readonly words = new Blocks((n) => new Uint32Array(n));
  private readonly hundredths = new Blocks((n) => new Uint16Array(n));
  private readonly floats = new Blocks((n) => new Float64Array(n));

  /** Number of masks. */
  get length(): number {
    return this.entries.length;
  }

  /** Adds an object without a mask. */
  addNone(): void {
    this.add(NONE, 0);
  }

  /** @param polygons flat lists `x0, y0, x1, y1, …` in pixels */
  addPolygons(polygons: readonly (readonly number[])[]): void {
    const coordinates = new Column();
    const ends: number[] = [];
    for (const polygon of polygons) {
      for (const value of polygon) coordinates.push(value);
      ends.push(coordinates.length);
    }
    this.addFlatPolygons(coordinates, ends);
  }

  /**
   * Adds polygons that stand one after the other in a list.
   *
   * @param coordinates `x0, y0, x1, y1, …` in pixels
   * @param ends end of each polygon in `coordinates`
   */
  addFlatPolygons(coordinates: Column, ends: readonly number[]): void {
    const [layout, layoutAt, layoutPosition] = this.words.allocate(2 + ends.length);
    layout[layoutAt] = ends.length;
    layout[layoutAt + 1] = this.coordinates.length;
    for (let p = 0; p < ends.length; p++)
      layout[layoutAt + 2 + p] = ends[p] - (p > 0 ? ends[p - 1] : 0);
    const total = coordinates.length;
    if (areHundredths(coordinates)) {
      const [block, start, position] = this.hundredths.allocate(total);
      for (let i = 0; i < total; i++) block[start + i] = Math.round(coordinates.at(i) * 100);
      this.coordinates.push(position);
      this.add(POLYGONS_HUNDREDTHS, layoutPosition);
    } else {
      const [block, start, position] = this.floats.allocate(total);
      block.set(coordinates.view(), start);
      this.coordinates.push(position);
      this.add(POLYGONS_FLOAT64, layoutPosition);
    }
  }

  addRle({ height, width, counts }: Rle): void {
    const [block, at, position] = this.words.allocate(3 + counts.length);
    block[at] = height;
    block[at + 1] = width;
    block[at + 2] = counts.length;
    block.set(counts, at + 3);
    this.add(RUNS, position);
  }

  /** Copies the mask of object `index`; a view would transfer its whole block to a worker thread. */
  get(index: number): Segmentation {
    const [kind, position] = this.entryAt(index);
    if (kind === NONE) return { kind: 'none' };
    const [layout, at] = this.words.find(position);
    if (kind === RUNS) {
      const counts = layout.slice(at + 3, at + 3 + layout[at + 2]);
      return { kind: 'rle', height: layout[at], width: layout[at + 1], counts };
    }
    const store = kind === POLYGONS_HUNDREDTHS ? this.hundredths : this.floats;
    const scale = kind === POLYGONS_HUNDREDTHS ? 100 : 1;
    const [block, start] = store.find(this.coordinates.at(layout[at + 1]));
    const polygons: Float64Array[] = [];
    for (let p = 0, from = start; p < layout[at]; p++) {
      const polygon = new Float64Array(layout[at + 2 + p]);
      for (let i = 0; i < polygon.length; i++) polygon[i] = block[from++] / scale;
      polygons.push(polygon);
    }
    return { kind: 'polygons', polygons };
  }

  /** Returns the kind of a mask and, for polygons, their number, without reading it. */
  describe(index: number): { readonly kind: Segmentation['kind']; readonly parts: number } {
    const [kind, position] = this.entryAt(index);
    if (kind === NONE) return { kind: 'none', parts: 0 };
    if (kind === RUNS) return { kind: 'rle', parts: 1 };
    const [layout, at] = this.words.find(position);
    return { kind: 'polygons', parts: layout[at] };
  }

  /** Frees the room that was kept for further masks. */
  shrink(): void {
    this.entries.shrink();
    this.coordinates.shrink();
  }

  private add(kind: number, layout: number): void {
    this.entries.push(kind + 4 * layout);
  }

  /** @returns kind and position of the layout */
  private entryAt(index: number): readonly [number, number] {
    const entry = this.entries.at(index);
    const kind = entry % 4;
    return [kind, (entry - kind) / 4];
  }
}

/** Whether every coordinate is exactly a 16-bit number of hundredths. */
function areHundredths(coordinates: Column): boolean {
  for (let i = 0; i < coordinates.length; i++) {
    const value = coordinates.at(i);
    const rounded = Math.round(value * 100);
    if (!(rounded >= 0 && rounded <= 65535 && rounded / 100 === value)) return false;
    if (rounded === 0 && Object.is(value, -0)) return false;
  }
  return true;
}
