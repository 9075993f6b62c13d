/**
 * Repeat-factor sampling: images with rare classes occur several times. The factor of a class is `max(1, √(threshold / f))`,
 * where `f` is the fraction of images that have it; that of an image is the largest of its classes. Fractions are carried
 * from image to image.
 *
 * Differs from the original, which rounds each at random in every epoch.
 *
 * @param classes of every image
 * @param threshold fraction of the images below which a class is rare
 * @returns indices of the images in ascending order, each at least once
 * @see https://arxiv.org/abs/1908.03195, appendix B.2
 */
export function repeatRare(
  classes: readonly ReadonlySet<number>[],
  threshold: number,
): readonly number[] {
  const numImages = new Map<number, number>();
  for (const own of classes)
    for (const index of own) numImages.set(index, (numImages.get(index) ?? 0) + 1);
  const factorOf = (index: number): number =>
    Math.sqrt((threshold * classes.length) / (numImages.get(index) ?? 1));
  let carried = 0;
  return classes.flatMap((own, image) => {
    carried += Math.max(1, ...Array.from(own, factorOf)) - 1;
    const extra = Math.floor(carried);
    carried -= extra;
    return new Array<number>(1 + extra).fill(image);
  });
}
