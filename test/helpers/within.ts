import { expect } from 'vitest';

/** Runs `work` and checks its time, which on a busy machine is that of the processor, not of the clock. */
export async function within(seconds: number, work: () => unknown): Promise<void> {
  const start = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(start);
  expect((user + system) / 1e6).toBeLessThan(seconds);
}
