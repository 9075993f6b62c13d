/**
 * Classes of Cityscapes whose objects are told apart and evaluated, with their numbers in `*_instanceIds.png`.
 *
 * @see https://github.com/mcordts/cityscapesScripts/blob/aeb7b82/cityscapesscripts/helpers/labels.py
 */
export const CITYSCAPES_THINGS = {
  names: ['person', 'rider', 'car', 'truck', 'bus', 'train', 'motorcycle', 'bicycle'],
  numbers: [24, 25, 26, 27, 28, 31, 32, 33],
} as const;
