/**
 * OpenCV's 8-bit HSV: hue in half degrees (0 … 179), saturation and value 0 … 255.
 *
 * @see OpenCV 4.6, modules/imgproc/src/color_hsv.simd.hpp, RGB2HSV_b and HSV2RGB_b
 */
type Hsv = Uint8Array;

const SHIFT = 12;
const HALF = 1 << (SHIFT - 1);
const SATURATION = Int32Array.from({ length: 256 }, (_, v) =>
  Math.round((255 << SHIFT) / (v || 1)),
);
const HUE = Int32Array.from({ length: 256 }, (_, d) => Math.round((180 << SHIFT) / (6 * (d || 1))));

/**
 * RGB to HSV, bit for bit as OpenCV.
 *
 * @param rgb `[P, 3]`
 * @param hsv `[P, 3]`, may be `rgb`
 */
export function rgbToHsv(rgb: Uint8Array, hsv: Hsv): void {
  for (let i = 0; i < rgb.length; i += 3) {
    const r = rgb[i];
    const g = rgb[i + 1];
    const b = rgb[i + 2];
    const value = Math.max(r, g, b);
    const spread = value - Math.min(r, g, b);
    const sector = value === r ? g - b : value === g ? b - r + 2 * spread : r - g + 4 * spread;
    const hue = spread === 0 ? 0 : (sector * HUE[spread] + HALF) >> SHIFT;
    hsv[i] = hue < 0 ? hue + 180 : hue;
    hsv[i + 1] = value === 0 ? 0 : (spread * SATURATION[value] + HALF) >> SHIFT;
    hsv[i + 2] = value;
  }
}

const f32 = Math.fround;
const TO_UNIT = f32(1 / 255);
const TO_SECTOR = f32(6 / 180);

/**
 * HSV to RGB in float32, as OpenCV.
 *
 * @param hsv `[P, 3]`
 * @param rgb `[P, 3]`, may be `hsv`
 */
export function hsvToRgb(hsv: Hsv, rgb: Uint8Array): void {
  for (let i = 0; i < hsv.length; i += 3) {
    const s = f32(hsv[i + 1] * TO_UNIT);
    const v = f32(hsv[i + 2] * TO_UNIT);
    const turned = f32(hsv[i] * TO_SECTOR);
    const sector = Math.floor(turned) % 6;
    const h = f32(turned - Math.floor(turned));
    const high = toByte(v);
    const low = toByte(f32(v * f32(1 - s)));
    const falling = toByte(f32(v * f32(1 - f32(s * h))));
    const rising = toByte(f32(v * f32(1 - f32(s * f32(1 - h)))));
    rgb[i] =
      sector === 0 || sector === 5 ? high : sector === 1 ? falling : sector === 4 ? rising : low;
    rgb[i + 1] =
      sector === 1 || sector === 2 ? high : sector === 0 ? rising : sector === 3 ? falling : low;
    rgb[i + 2] =
      sector === 3 || sector === 4 ? high : sector === 2 ? rising : sector === 5 ? falling : low;
  }
}

/** Truncated like OpenCV's vector code (its scalar code for the last pixels of a row rounds). */
function toByte(unit: number): number {
  return Math.trunc(f32(unit * 255));
}
