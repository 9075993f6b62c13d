import { inParallel } from '../in-parallel.js';

/** Number of items whose results are in memory at a time. */
const AT_A_TIME = 512;

/**
 * Reads items in parallel and uses the results in order, a limited number at a time, so that memory does not grow with the
 * items. Other work of the process runs in between.
 */
export async function readInOrder<Item, Result>(
  items: readonly Item[],
  read: (item: Item) => Promise<Result>,
  use: (result: Result, item: Item) => void,
): Promise<void> {
  for (let start = 0; start < items.length; start += AT_A_TIME) {
    const chunk = items.slice(start, start + AT_A_TIME);
    const results = await inParallel(chunk, read);
    results.forEach((result, i) => {
      use(result, chunk[i]);
    });
    await new Promise((resume) => setImmediate(resume));
  }
}
