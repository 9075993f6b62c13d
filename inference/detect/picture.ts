import type { ImageParts, RgbImage } from '../../core/image.js';
import { mergeTiles } from '../tiles/merge.js';
import { tileGrid, tilesOf, type TileOptions } from '../tiles/grid.js';
import type { DetectorCard } from '../card.js';
import { gatherRows, keptRows, type Prediction } from './prediction.js';
import type { DetectorPredictor, PredictOptions } from './predictor.js';
import { detectorViews, plainView } from './tta.js';

/** Options of {@link detectPicture}. */
interface DetectPictureOptions extends PredictOptions {
  readonly card: Pick<DetectorCard, 'limits' | 'pixels'>;
  /** Whether to average over flips and scales. */
  readonly tta: boolean;
  /** Default: the whole picture at once. */
  readonly tile?: TileOptions | undefined;
}

/**
 * Detects objects in a picture, or in each of its tiles, whose detections are merged. A picture of one tile has the result
 * that it has without tiles.
 *
 * @throws as `DetectorPredictor.predictViews`, and as reading the parts
 */
export async function detectPicture(
  predictor: Pick<DetectorPredictor, 'predictViews'>,
  picture: RgbImage | ImageParts,
  { card, tta, tile, minScore, acrossClassesIou, max, signal }: DetectPictureOptions,
): Promise<Prediction> {
  const detect = (image: RgbImage, options: PredictOptions): Promise<Prediction> =>
    predictor.predictViews(tta ? detectorViews(image, card) : [plainView(image, card)], {
      ...options,
      acrossClassesIou,
      signal,
    });
  if (!('part' in picture)) return detect(picture, { minScore, max });
  const grid = tileGrid(picture, tile ?? { size: Math.max(picture.width, picture.height) });
  const rects = tilesOf(grid);
  if (rects.length === 1) return detect(await picture.part(rects[0]), { minScore, max });
  const detections: Prediction[] = [];
  for (const rect of rects) {
    signal?.throwIfAborted();
    detections.push(await detect(await picture.part(rect), {}));
  }
  const merged = mergeTiles(detections, grid, picture, { acrossClassesIou });
  const kept = keptRows(merged, { minScore, max });
  const masks = merged.masks.length > 0 ? Array.from(kept, (d) => merged.masks[d]) : [];
  return { ...gatherRows(merged, kept), masks };
}
