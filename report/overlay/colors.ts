import type { Rgb } from './picture.js';

/** Step on the hue circle that keeps successive hues far apart: 360° divided by the square of the golden ratio. */
const GOLDEN_ANGLE = 137.50776;
const FIRST_HUE = 25;
/** Adjacent indices also differ in lightness, for color-blind readers. */
const LIGHTNESS = [0.68, 0.8, 0.6, 0.74] as const;
const CHROMA = 0.2;

/** Returns the color of a class: bright, distinguished by hue and lightness, and the same in every picture. */
export function classColor(classIndex: number): Rgb {
  const hue = FIRST_HUE + classIndex * GOLDEN_ANGLE;
  const lightness = LIGHTNESS[((classIndex % 4) + 4) % 4];
  for (let chroma = CHROMA; chroma > 0; chroma -= 0.01) {
    const rgb = oklch(lightness, chroma, hue);
    if (rgb.every((value) => value >= 0 && value <= 1)) return toBytes(rgb);
  }
  return toBytes(oklch(lightness, 0, 0));
}

/** Returns the color of a class in a palette, else that of {@link classColor}. @param palette red, green and blue by index */
export function paletteColor(
  palette: readonly (readonly number[])[] | undefined,
  classIndex: number,
): Rgb {
  const [r, g, b] = palette?.[classIndex] ?? classColor(classIndex);
  return [r, g, b];
}

/** Returns black or white, whichever is more readable on a color. */
export function textColorOn(background: Rgb): Rgb {
  return luminance(background) > 0.179 ? [0, 0, 0] : [255, 255, 255];
}

/** Relative luminance, 0–1. @see https://www.w3.org/TR/WCAG21/#dfn-relative-luminance */
export function luminance(color: Rgb): number {
  const [r, g, b] = color.map((value) => {
    const v = value / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** Converts OKLCH to linear RGB. @see https://bottosson.github.io/posts/oklab/ */
function oklch(lightness: number, chroma: number, hueDegrees: number): readonly number[] {
  const hue = (hueDegrees * Math.PI) / 180;
  const [a, b] = [chroma * Math.cos(hue), chroma * Math.sin(hue)];
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
}

function toBytes(linear: readonly number[]): Rgb {
  const [r, g, b] = linear.map((value) => {
    const v = Math.min(Math.max(value, 0), 1);
    return Math.round(255 * (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055));
  });
  return [r, g, b];
}
