import type { ReportPictures } from './evaluation-document.js';
import type { Picture } from './overlay/picture.js';
import { PICTURES, savePicture } from './save-picture.js';

/** An image with the model's score on it. */
export interface Scored<Item> {
  readonly item: Item;
  /** Score, higher is better. */
  readonly score: number;
}

/** Number of pictures of each kind in a report. */
const COUNT = 6;

/** Chooses the best and the worst images, without duplicates; the worst in ascending order of score. */
export function bestAndWorst<Item>(scored: readonly Scored<Item>[]): {
  readonly best: readonly Item[];
  readonly worst: readonly Item[];
} {
  const order = [...scored].sort((a, b) => b.score - a.score).map(({ item }) => item);
  const half = Math.min(COUNT, Math.floor(order.length / 2));
  return {
    best: order.slice(0, Math.max(half, Math.min(1, order.length))),
    worst: half === 0 ? [] : order.slice(-half).reverse(),
  };
}

/** `200 of 5000 validation images`. */
export function scopeOf(used: number, total: number, split: string): string {
  return used === total
    ? `all ${total} ${split} images`
    : `the first ${used} of ${total} ${split} images`;
}

/**
 * Saves pictures of the worst and the best images in a run folder, `pictures/worst-1.jpg` ….
 *
 * @param draw creates the picture of an image and its caption
 */
export async function examplePictures<Item>(
  folder: string,
  scored: readonly Scored<Item>[],
  {
    size,
    notes,
  }: Pick<ReportPictures, 'size'> & { readonly notes: Record<'Worst' | 'Best', string> },
  draw: (item: Item) => Promise<{ readonly picture: Picture; readonly caption: string }>,
): Promise<readonly ReportPictures[]> {
  const { best, worst } = bestAndWorst(scored);
  const row = async (title: 'Worst' | 'Best', some: readonly Item[]): Promise<ReportPictures> => {
    const items: ReportPictures['items'][number][] = [];
    for (const [i, item] of some.entries()) {
      const { picture, caption } = await draw(item);
      const file = `${PICTURES}/${title.toLowerCase()}-${i + 1}.jpg`;
      items.push({ file: await savePicture(folder, file, picture), caption });
    }
    return { title, size, note: notes[title], items };
  };
  return [await row('Worst', worst), await row('Best', best)];
}
