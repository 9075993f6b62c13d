import { read, TICKS_PER_SECOND } from './process-usage.js';

/** A time span on a machine that others may use. */
export interface Span<T> {
  readonly value: T;
  /** Whether other processes took more than 4 % of the cores. */
  readonly disturbed: boolean;
}

/** Runs `work`, which may wait for child processes, and tells whether other processes disturbed it (Linux only; else no). */
export function watched<T>(work: () => T): Span<T> {
  const [busy, own, start] = [busySeconds(), ownSeconds(), performance.now()];
  const value = work();
  const seconds = (performance.now() - start) / 1000;
  const others = busySeconds() - busy - (ownSeconds() - own);
  return { value, disturbed: others / numCores() > 0.04 * seconds + 0.03 };
}

/** Seconds in which the cores have been busy since the start of the machine. */
function busySeconds(): number {
  const ticks = numbersOf('/proc/stat', 1, 9);
  const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
  return (ticks.reduce((sum, value) => sum + value, 0) - idle) / TICKS_PER_SECOND;
}

/** Seconds on a core of this process and of its children that have ended. */
function ownSeconds(): number {
  const afterName = read('/proc/self/stat').split(') ')[1] ?? '';
  const fields = afterName.split(' ').slice(11, 15).map(Number);
  return fields.reduce((sum, value) => sum + value, 0) / TICKS_PER_SECOND;
}

function numCores(): number {
  return Math.max(1, read('/proc/stat').match(/^cpu\d/gm)?.length ?? 1);
}

function numbersOf(file: string, from: number, to: number): readonly number[] {
  return (read(file).split('\n')[0] ?? '').split(/\s+/).slice(from, to).map(Number);
}
