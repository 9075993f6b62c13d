/** Classes of the segmentations of Pascal VOC; 255 is ignored. */
export const VOC_CLASSES: readonly string[] = [
  'background',
  'aeroplane',
  'bicycle',
  'bird',
  'boat',
  'bottle',
  'bus',
  'car',
  'cat',
  'chair',
  'cow',
  'diningtable',
  'dog',
  'horse',
  'motorbike',
  'person',
  'pottedplant',
  'sheep',
  'sofa',
  'train',
  'tvmonitor',
];

/**
 * Color of a label in Pascal VOC's pictures: the bits of the label spread over the high bits of red, green and blue.
 *
 * @see VOClabelcolormap in the development kit
 */
export function vocColor(label: number): readonly [number, number, number] {
  const color = [0, 0, 0];
  for (let bit = 0, rest = label; bit < 8; bit++, rest >>= 3)
    for (let c = 0; c < 3; c++) color[c] |= ((rest >> c) & 1) << (7 - bit);
  return [color[0], color[1], color[2]];
}
