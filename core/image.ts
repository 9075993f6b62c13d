/** An 8-bit RGB image, row-major. */
export interface RgbImage {
  readonly width: number;
  readonly height: number;
  /** `[H, W, 3]`, 0–255. */
  readonly data: Uint8Array;
}

/** An 8-bit label map, row-major; 255 is ignored. */
export interface LabelMap {
  readonly width: number;
  readonly height: number;
  /** `[H, W]`. */
  readonly data: Uint8Array;
}

/** Label of pixels that losses and metrics ignore. */
export const IGNORED_LABEL = 255;
