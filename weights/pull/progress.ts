import { megabytes } from './disk.js';
import type { Progress } from './download.js';

/** Longest time between two lines, in milliseconds. */
const EVERY_MS = 10_000;

/** Describes the progress of a download in one line. @param seconds since its start */
export function progressLine(
  name: string,
  { receivedBytes, totalBytes }: Progress,
  seconds: number,
): string {
  const of = totalBytes
    ? `of ${megabytes(totalBytes)} (${((100 * receivedBytes) / totalBytes).toFixed(0)} %)`
    : 'of unknown size';
  return `${name}: ${megabytes(receivedBytes)} ${of}, ${megabytes(receivedBytes / seconds)}/s`;
}

/** Prints a line at the first bytes, at every 10 %, and every ten seconds. */
export function progressLines(
  name: string,
  print: (line: string) => void,
): (progress: Progress) => void {
  const startMs = performance.now();
  let [lastMs, lastTenth] = [-Infinity, -1];
  return (progress) => {
    const nowMs = performance.now();
    const { receivedBytes, totalBytes } = progress;
    const tenth = totalBytes ? Math.floor((10 * receivedBytes) / totalBytes) : 0;
    if (tenth <= lastTenth && nowMs - lastMs < EVERY_MS) return;
    [lastMs, lastTenth] = [nowMs, tenth];
    print(progressLine(name, progress, (nowMs - startMs) / 1000));
  };
}
