/** One of `count` shards of the images, for threads that divide an evaluation. */
export interface ThreadShard {
  readonly index: number;
  readonly count: number;
}

/**
 * Whether an image belongs to a shard. Every image belongs to one shard; shards have nearly equal sizes for any pattern
 * of ids.
 */
export function isInThreadShard(imageId: number, { index, count }: ThreadShard): boolean {
  return (Math.imul(imageId, 0x9e3779b1) >>> 16) % count === index;
}
