/**
 * Runs `work` on every item, eight at a time, and returns the results in order. After a failure no further items are
 * started, and the error is thrown only after running items have ended, so that nothing runs while the caller cleans up.
 */
export async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results = new Array<Result>(items.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next++;
      try {
        results[index] = await work(items[index], index);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: 8 }, worker));
  for (const end of ended) if (end.status === 'rejected') throw end.reason;
  return results;
}
