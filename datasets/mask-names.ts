/** Ends of the names of masks and of their images; the rest of the names is the same. */
const MASK_ENDS =
  /(_gtFine|_gtCoarse)?_(instanceIds|labelIds|labelTrainIds|instances?|labels?|masks?|seg|segmentation)$/i;
const IMAGE_ENDS = /_(leftImg8bit|image|img|rgb)$/i;

/** End of CamVid's label files, where others name the left one of two images. */
const CAMVID_END = /_L$/;

/** Name of a mask or label file without what tells it from the name of its image. @param stem path without extension */
export const maskKey = (stem: string): string =>
  stem.normalize('NFC').replace(MASK_ENDS.test(stem) ? MASK_ENDS : CAMVID_END, '');

/** Name of an image without what tells it from the names of its masks. @param stem path without extension */
export const imageKey = (stem: string): string => stem.normalize('NFC').replace(IMAGE_ENDS, '');

/** Whether a file is a mask by its name. @param stem path without extension */
export const isMaskName = (stem: string): boolean => MASK_ENDS.test(stem);
