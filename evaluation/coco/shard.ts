/** One of `count` shares of the images, for threads that divide an evaluation among themselves. */
export interface ImageShard {
  readonly index: number;
  readonly count: number;
}

/**
 * Whether an image belongs to a share. Each image is in one share, and the shares are about equal, whatever the ids
 * have in common.
 */
export function isInShard(imageId: number, { index, count }: ImageShard): boolean {
  return (Math.imul(imageId, 0x9e3779b1) >>> 16) % count === index;
}
