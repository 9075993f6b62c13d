import { expect, test } from 'vitest';
import { logHistogram } from '../../core/histogram.js';
import { histogramSvg } from '../../report/svg-histogram.js';

const bins = { low: 1, numOctaves: 2, perOctave: 1 };
const chart = {
  title: 'Sizes <px>',
  xLabel: 'px',
  series: [
    { name: 'train', histogram: logHistogram([1, 1, 1, 3, 9], bins) },
    { name: 'val', histogram: logHistogram([3], bins) },
  ],
  marks: [
    { value: 2, text: 'anchor' },
    { value: 64, text: 'outside' },
  ],
};

test('bars have the percentages of their series, and marks their place on the logarithmic axis', () => {
  const svg = histogramSvg(chart);
  const bars = [
    ...svg.matchAll(
      /<rect class="fill-(\d)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"><title>/g,
    ),
  ].map((match) => match.slice(1).map(Number));
  // Train: 60 % and 20 % of five values; val: 100 % of one.
  expect(bars.map(([series]) => series)).toEqual([1, 1, 2]);
  const heights = bars.map(([, , , , height]) => height);
  expect(heights[0] / heights[2]).toBeCloseTo(0.6, 2);
  expect(heights[1] / heights[2]).toBeCloseTo(0.2, 2);
  expect(svg).toContain('train (5, 1 beyond)');
  expect(svg).toContain('Sizes &lt;px&gt;');
  expect(svg).toContain('>anchor<');
  expect(svg).not.toContain('outside');
  const middle = /M([\d.]+) 66V/.exec(svg)?.[1];
  expect(Number(middle)).toBeCloseTo(46 + (480 - 46 - 16) / 2, 0);
});

test('a histogram without values has axes and no bars', () => {
  const svg = histogramSvg({
    ...chart,
    series: [{ name: 'a', histogram: logHistogram([], bins) }],
  });
  expect(svg).not.toContain('<title>');
  expect(svg).toContain('</svg>');
});
