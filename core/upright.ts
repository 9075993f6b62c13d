/**
 * Whether images of a task are turned upright by their EXIF orientation: where positions count, as by mmcv. For classes the
 * stored pixels are used, as in timm.
 */
export const isUpright = (task: string): boolean => task === 'detect' || task === 'segment';
