import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import { lineChart, type ChartSeries, type LineChart } from '../../report/svg-chart.js';

const chart = (series: readonly ChartSeries[], more: Partial<LineChart> = {}): string =>
  lineChart({ title: 'Loss', xLabel: 'step', yLabel: 'loss', series, ...more });
const named = (name: string, ...points: (readonly [number, number])[]): ChartSeries => ({
  name,
  points,
});

/** Every tag is closed in its turn and every attribute quoted: enough of XML for what a chart uses. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  const rest = svg.replace(/<(\/?)([a-z]+)((?: [a-z0-9:-]+="[^"<]*")*)(\/?)>/gi, (_, ...m) => {
    const [closing, name, , selfClosing] = m as string[];
    if (closing) expect(open.pop()).toBe(name);
    else if (!selfClosing) open.push(name);
    return '';
  });
  expect(open).toEqual([]);
  expect(rest).not.toMatch(/[<>]|&(?!(amp|lt|gt|quot);)/);
}

/** The plot's size in pixels and the points of its lines, one list a stretch. */
function drawn(svg: string): {
  readonly width: number;
  readonly height: number;
  readonly lines: readonly (readonly (readonly number[])[])[];
} {
  const [, width, height, inner] =
    /<svg x="[\d.]+" y="[\d.]+" width="([\d.]+)" height="([\d.]+)">(.*?)<\/svg>/.exec(svg)!;
  const lines = [...inner.matchAll(/ d="M([^"]+)"/g)].map(([, path]) =>
    path
      .replace('h0', '')
      .split('L')
      .map((point) => point.split(' ').map(Number)),
  );
  return { width: Number(width), height: Number(height), lines };
}

describe('lineChart', () => {
  test('joins the points from corner to corner', () => {
    const { width, height, lines } = drawn(chart([named('a', [0, 0], [5, 10], [10, 20])]));
    expect(lines).toHaveLength(1);
    const close = (value: number): unknown => expect.closeTo(value, 0);
    expect(lines[0]).toEqual([
      [0, close(height)],
      [close(width / 2), close(height / 2)],
      [close(width), 0],
    ]);
  });

  test('shows title, labels, ticks and, for several series, a legend', () => {
    const one = chart([named('only', [0, 0], [1, 4])]);
    for (const text of ['Loss', 'step', 'loss', '0', '1.0', '4', '0.2']) {
      expect(one).toContain(`>${text}</text>`);
    }
    expect(one).not.toContain('>only</text>');
    const two = chart([named('train', [0, 1]), named('val', [0, 2])]);
    expect(two).toContain('>train</text>');
    expect(two).toContain('>val</text>');
  });

  test('breaks a line where a value is not finite, and dots a lone point', () => {
    const broken = named('a', [0, 1], [1, 2], [2, NaN], [3, Infinity], [4, 3]);
    const { lines } = drawn(chart([broken]));
    expect(lines.map(({ length }) => length)).toEqual([2, 1]);
    expect(chart([broken])).toContain('stroke-linecap="round"');
  });

  test('leaves gaps for what a logarithmic axis cannot show', () => {
    const series = [named('a', [0, 1], [1, 0], [2, 100], [3, 10])];
    const { lines, height } = drawn(chart(series, { yScale: 'log' }));
    expect(lines.map(({ length }) => length)).toEqual([1, 2]);
    expect(lines[1][1][1]).toBeCloseTo(height / 2, 0);
  });

  test('keeps the extremes of long series but not every point', () => {
    const points = Array.from({ length: 50_000 }, (_, i) => [i, i === 31_234 ? 9 : 1] as const);
    const { lines } = drawn(chart([{ name: 'a', points }]));
    expect(lines[0].length).toBeLessThan(4 * 640);
    // The one peak is still there, at the upper edge of an axis up to 10.
    expect(lines[0].filter(([, y]) => y < lines[0][0][1] - 10)).toHaveLength(1);
  });

  test('follows the ranges it is given', () => {
    const { lines, height, width } = drawn(
      chart([named('a', [0, 0.25], [1, 0.5])], { xRange: [0, 2], yRange: [0, 1] }),
    );
    expect(lines[0][0][1]).toBeCloseTo(0.75 * height, 0);
    expect(lines[0][1][0]).toBeCloseTo(width / 2, 0);
  });

  test('rejects ranges that are empty or not for a logarithm', () => {
    expect(() => chart([], { xRange: [1, 1] })).toThrow(
      'lineChart: xRange: expected [min, max] with min below max, got [1, 1]',
    );
    expect(() => chart([], { yRange: [0, 1], yScale: 'log' })).toThrow(
      'lineChart: yRange: expected [min, max] above 0 with min below max, got [0, 1]',
    );
    expect(() => chart([], { yRange: [NaN, 1] })).toThrow(ConfigError);
  });

  test('says so where there is nothing to show', () => {
    for (const series of [[], [named('a')], [named('a', [0, NaN])]]) {
      expect(chart(series)).toContain('no data');
      assertWellFormed(chart(series));
    }
    expect(chart([named('a', [0, 1])])).not.toContain('no data');
  });

  test('gives each of eight series a color and dashes the next', () => {
    const svg = chart(Array.from({ length: 9 }, (_, i) => named(`s${i}`, [0, i])));
    const strokes = [...svg.matchAll(/<g fill="none" (.*?) stroke-width/g)].map(([, s]) => s);
    expect(new Set(strokes).size).toBe(9);
    expect(strokes[8]).toContain('stroke-dasharray');
    expect(strokes[8]).toContain('var(--chart-1,');
  });

  test('wraps a legend that is too wide', () => {
    const series = Array.from({ length: 6 }, (_, i) => named(`a rather long name ${i}`, [0, i]));
    const rows = [...chart(series).matchAll(/h16" [^>]*/g)].length;
    const ys = new Set(
      [...chart(series).matchAll(/y="([\d.]+)" dy="0.35em">a rather/g)].map(([, y]) => y),
    );
    expect(rows).toBe(6);
    expect(ys.size).toBeGreaterThan(1);
  });

  test('is well-formed whatever the names and numbers are', () => {
    assertWellFormed(chart([named('<b> & "c"', [0, 1], [1, 2]), named("d'", [0, 1])]));
    const any = fc.oneof(fc.double(), fc.constantFrom(0, NaN, Infinity, -1, 1e-300, 1e300));
    const series = fc.record({
      name: fc.string({ unit: fc.constantFrom('a', '<', '>', '&', '"', 'ä') }),
      points: fc.array(fc.tuple(any, any), { maxLength: 5 }),
    });
    fc.assert(
      fc.property(
        fc.array(series, { maxLength: 3 }),
        fc.constantFrom('linear' as const, 'log' as const),
        (all, yScale) => {
          const svg = chart(all, { yScale });
          assertWellFormed(svg);
          expect(svg).not.toMatch(/NaN|Infinity|undefined/);
        },
      ),
    );
  });
});
