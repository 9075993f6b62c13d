import { readFileSync } from 'node:fs';

/** Linux counts CPU time in hundredths of a second. */
export const TICKS_PER_SECOND = 100;

/** Time and memory of a process and of those that it started. */
export interface ProcessUsage {
  /** User and system time. */
  readonly cpuSeconds: number;
  readonly residentMb: number;
}

/** Reads the usage of a process and of its descendants from Linux's `/proc`; zeros elsewhere, and for what has ended. */
export function processUsage(pid: number): ProcessUsage {
  let cpuSeconds = 0;
  let residentMb = 0;
  for (const each of withDescendants(pid)) {
    const fields = read(`/proc/${each}/stat`).split(') ').at(-1)?.split(' ') ?? [];
    const [user, system] = [Number(fields[11] ?? 0), Number(fields[12] ?? 0)];
    cpuSeconds += (user + system) / TICKS_PER_SECOND;
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(read(`/proc/${each}/status`))?.[1] ?? 0;
    residentMb += Number(kilobytes) / 1024;
  }
  return { cpuSeconds, residentMb: Math.round(residentMb) };
}

function withDescendants(pid: number): readonly number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).trim().split(' ').filter(Boolean);
  return [pid, ...children.flatMap((child) => withDescendants(Number(child)))];
}

/** Text of a file of `/proc`; empty where there is none. */
export function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
