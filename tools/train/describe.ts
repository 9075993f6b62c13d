import type { LogRecord } from '../../train/run-settings.js';

/** One line for people about a record of `metrics.jsonl`. */
export function describeRecord(record: LogRecord): string {
  const terms = (values: Readonly<Record<string, number>>): string =>
    Object.entries(values)
      .map(([name, value]) => `${name} ${Number.isInteger(value) ? value : value.toPrecision(4)}`)
      .join('  ');
  if (record.kind === 'eval')
    return `eval   step ${record.step}  ${record.which}: ${terms(record.metrics)}`;
  const { step, epoch, lr, losses, imagesPerSecond, dataWait, rssBytes } = record;
  return (
    `train  step ${step}  epoch ${epoch.toFixed(2)}  ${terms(losses)}  lr ${lr.toExponential(2)}  ` +
    `${imagesPerSecond.toFixed(1)} images/s  wait ${(100 * dataWait).toFixed(0)} %  ${(rssBytes / 2 ** 20).toFixed(0)} MiB`
  );
}
