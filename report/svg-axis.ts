/** A tick of an axis. */
interface Tick {
  readonly value: number;
  readonly text: string;
}

/** An axis: its ends, its ticks in ascending order, and the mapping of values to positions. */
export interface Axis {
  readonly min: number;
  readonly max: number;
  readonly ticks: readonly Tick[];
  /** Position of a value: 0 at `min`, 1 at `max`; not finite if the axis cannot show the value. */
  readonly position: (value: number) => number;
}

/** Range that an axis must show (within ±1e100) and approximate number of ticks. */
interface AxisRange {
  readonly min: number;
  readonly max: number;
  readonly count: number;
}

/**
 * Creates an axis with ticks at multiples of 1, 2 or 5 times a power of ten. Its ends are those of the range (equal ends
 * are moved apart).
 */
export function linearAxis(range: AxisRange): Axis {
  const { min, max } = withExtent(range);
  return axisOf(min, max, niceStep((max - min) / range.count));
}

/** Like {@link linearAxis}, but extended to start and end at a tick. */
export function roundedAxis(range: AxisRange): Axis {
  const { min, max } = withExtent(range);
  const step = niceStep((max - min) / range.count);
  const first = Math.floor(min / step + TOLERANCE);
  const last = Math.ceil(max / step - TOLERANCE);
  return axisOf(rounded(first * step), rounded(last * step), step);
}

/**
 * Creates a logarithmic axis with ticks at powers of ten and, if there are few, at 2 and 5 times them. It is extended to
 * such values.
 *
 * @param range both ends above 0
 */
export function logAxis({ min, max, count }: AxisRange): Axis {
  const low = Math.floor(Math.log10(min) + 1e-9);
  const high = Math.max(low + 1, Math.ceil(Math.log10(max) - 1e-9));
  const factors = high - low <= 2 ? [1, 2, 5] : [1];
  const values = Array.from({ length: high - low + 1 }, (_, i) =>
    factors.map((factor) => Number(`${factor}e${low + i}`)),
  ).flat();
  const first = values.findLastIndex((value) => value <= min * (1 + 1e-9));
  const last = values.findIndex((value, i) => i > first && value >= max * (1 - 1e-9));
  const every = Math.max(1, Math.ceil((last - first) / count));
  const [from, to] = [Math.log(values[first]), Math.log(values[last])];
  return {
    min: values[first],
    max: values[last],
    ticks: values
      .slice(first, last + 1)
      .filter((_, i) => i % every === 0)
      .map((value) => ({ value, text: formatNumber(value) })),
    position: (value) => (value > 0 ? (Math.log(value) - from) / (to - from) : NaN),
  };
}

/** Formats a number in a few characters: `0.25`, `1200`, `2e-5`. */
export function formatNumber(value: number): string {
  const size = Math.abs(value);
  const plain = size === 0 || (size >= 1e-3 && size < 1e5);
  return plain
    ? String(Number(value.toPrecision(4)))
    : value.toExponential(3).replace(/\.?0*e\+?/, 'e');
}

/** In units of the step: the ends of an axis may be multiples of it up to rounding. */
const TOLERANCE = 1e-6;

function axisOf(min: number, max: number, step: number): Axis {
  const first = Math.ceil(min / step - TOLERANCE);
  const last = Math.floor(max / step + TOLERANCE);
  const values = Array.from({ length: last - first + 1 }, (_, i) => rounded((first + i) * step));
  const texts = formatMultiples(values, step);
  return {
    min,
    max,
    ticks: values.map((value, i) => ({ value, text: texts[i] })),
    position: (value) => (value - min) / (max - min),
  };
}

/** The same notation for all ticks: as many decimals as the step needs, thousands and millions as `k`, `M`, `G`. */
function formatMultiples(values: readonly number[], step: number): readonly string[] {
  const largest = Math.max(0, ...values.map(Math.abs));
  if (largest < 1e-3 || largest >= 1e13) return values.map(formatNumber);
  let [unit, suffix] = [1, ''];
  if (largest >= 1e9) [unit, suffix] = [1e9, 'G'];
  else if (largest >= 1e6) [unit, suffix] = [1e6, 'M'];
  else if (largest >= 1e4) [unit, suffix] = [1e3, 'k'];
  const decimals = Math.max(0, -Math.floor(Math.log10(step / unit) + 1e-9));
  return values.map((value) =>
    value === 0 ? '0' : (value / unit).toFixed(Math.min(decimals, 12)) + suffix,
  );
}

function withExtent({ min, max }: AxisRange): { readonly min: number; readonly max: number } {
  // Ends that differ only by rounding are treated as equal.
  const largest = Math.max(Math.abs(min), Math.abs(max));
  if (max - min > 1e-9 * largest && largest > 1e-100) return { min, max };
  const margin = largest > 1e-100 ? largest / 10 : 1;
  return { min: min - margin, max: max + margin };
}

/** Rounds to the nearest of 1, 2, 5 and 10 times the power of ten below. */
function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  const ratio = raw / power;
  return rounded(power * (ratio < 1.5 ? 1 : ratio < 3.5 ? 2 : ratio < 7.5 ? 5 : 10));
}

/** Removes the rounding errors of products with 0.1, 0.01, …. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}
