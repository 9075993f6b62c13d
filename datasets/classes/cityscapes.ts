/**
 * Classes of Cityscapes whose objects are told apart and evaluated, with their numbers in `*_instanceIds.png`.
 *
 * @see https://github.com/mcordts/cityscapesScripts/blob/aeb7b82/cityscapesscripts/helpers/labels.py
 */
export const CITYSCAPES_THINGS = {
  names: ['person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle'],
  numbers: [24, 25, 26, 27, 28, 31, 32, 33],
} as const;

/**
 * The classes of pixels that Cityscapes evaluates, in their order as `trainId`, with their numbers in `*_labelIds.png`; all
 * other numbers are ignored.
 *
 * @see https://github.com/mcordts/cityscapesScripts/blob/aeb7b82/cityscapesscripts/helpers/labels.py
 */
export const CITYSCAPES_CLASSES: Readonly<Record<string, number>> = {
  road: 7,
  sidewalk: 8,
  building: 11,
  wall: 12,
  fence: 13,
  pole: 17,
  'traffic light': 19,
  'traffic sign': 20,
  vegetation: 21,
  terrain: 22,
  sky: 23,
  person: 24,
  rider: 25,
  car: 26,
  truck: 27,
  bus: 28,
  train: 31,
  motorcycle: 32,
  bicycle: 33,
};
