import { grouped } from '../core/grouped.js';
import type { ReportChart } from './evaluation-document.js';
import type { MetricsRecord } from '../io/run-folder.js';
import type { ChartSeries } from './svg-chart.js';
import { isFraction } from './verdict.js';

type TrainRecord = Extract<MetricsRecord, { readonly kind: 'train' }>;
type EvalRecord = Extract<MetricsRecord, { readonly kind: 'eval' }>;

/** Creates a curve over the steps of the records for which `value` is defined. */
export function seriesOf<Entry extends MetricsRecord>(
  name: string,
  records: readonly Entry[],
  value: (record: Entry) => number | undefined,
): ChartSeries {
  const points = records.flatMap((record) => {
    const y = value(record);
    return y === undefined ? [] : [[record.step, y] as const];
  });
  return { name, points };
}

/** Creates the charts of a run: losses, scores by evaluation, learning rate, speed. */
export function runCharts(records: readonly MetricsRecord[]): readonly ReportChart[] {
  const steps = records.filter((record): record is TrainRecord => record.kind === 'train');
  const evaluations = records.filter((record): record is EvalRecord => record.kind === 'eval');
  const ofSteps = (name: string, value: (record: TrainRecord) => number | undefined): ChartSeries =>
    seriesOf(name, steps, value);
  const chart = (title: string, yLabel: string, ...series: ChartSeries[]): ReportChart => {
    return { title, xLabel: 'step', yLabel, series };
  };
  const losses = lossNames(steps).map((name) => ofSteps(name, ({ losses: terms }) => terms[name]));
  const norm = ofSteps('norm', ({ gradientNorm }) => gradientNorm);
  const speed = ofSteps('images/s', ({ imagesPerSecond }) => imagesPerSecond);
  const waiting = ofSteps('waiting', ({ dataWait }) => 100 * dataWait);
  return [
    chart('Loss', 'training batches, mean of a step', ...losses),
    ...scoreCharts(evaluations),
    chart(
      'Learning rate',
      'before the factors of layers',
      ofSteps('lr', ({ lr }) => lr),
    ),
    { ...chart('Norm of the gradients', 'before clipping', norm), yScale: 'log' as const },
    chart('Speed', 'images per second', speed),
    { ...chart('Waiting for data', '% of the time', waiting), yRange: [0, 100] as const },
  ].filter(({ series }) => series.some(({ points }) => points.length > 0));
}

/** Loss terms, the total first. Accuracies among the terms are not losses. */
function lossNames(steps: readonly TrainRecord[]): readonly string[] {
  const names = [...new Set(steps.flatMap(({ losses }) => Object.keys(losses)))];
  return names.filter((name) => name === 'loss' || /loss/i.test(name));
}

/** Prefixes of the scores that are shown in one chart. */
function scoreCharts(evaluations: readonly EvalRecord[]): readonly ReportChart[] {
  const names = new Set(evaluations.flatMap(({ metrics }) => Object.keys(metrics)));
  names.delete('count');
  return [...grouped(names, groupOf)].map(([title, names]) => ({
    title,
    xLabel: 'step',
    yLabel: names.every(isFraction) ? 'held-out data, %' : 'held-out data',
    series: names.flatMap((name) =>
      (['weights', 'ema'] as const).flatMap((which) => {
        const factor = names.every(isFraction) ? 100 : 1;
        const points = evaluations
          .filter((record) => record.which === which && record.metrics[name] !== undefined)
          .map(({ step, metrics }) => [step, factor * metrics[name]] as const);
        const label = which === 'ema' ? `${name}, moving average` : name;
        return points.length === 0 ? [] : [{ name: label, points }];
      }),
    ),
  }));
}

function groupOf(name: string): string {
  const area = /^(bbox|segm)_(AP|AR)/.exec(name);
  if (area) return `${area[1] === 'bbox' ? 'Boxes' : 'Masks'}: ${area[2]}`;
  if (/loss/i.test(name)) return 'Loss on held-out data';
  if (/^(top|m?Acc|aAcc|mIoU)/.test(name)) return 'Scores';
  return name;
}
