import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeEach, test } from 'vitest';

/** Folder of the small real data sets, which are not committed. */
export const REAL_DATA = resolve(process.env['CONVNEXTV2_DATA'] ?? '../shared/data');

/** Leaves the tests of a file or block out, for a reason that the run counts at its end (`skip-reporter.ts`). */
export function leaveOutUnless(present: boolean, reason: string): void {
  beforeEach(({ skip }) => skip(!present, reason));
}

const ON_LINUX = process.platform === 'linux';
const NO_LINUX = 'only on Linux';

/** Leaves the tests of a file or block out on systems other than Linux. */
export function needsLinux(): void {
  leaveOutUnless(ON_LINUX, NO_LINUX);
}

/** `test` for what exists on Linux only. */
export const testOnLinux = test.extend<{ linux: undefined }>({
  linux: [
    async ({ skip }, use) => {
      skip(!ON_LINUX, NO_LINUX);
      await use(undefined);
    },
    { auto: true },
  ],
});

/** Leaves the tests of a file or block out where a real data set is absent. */
export function needsRealData(name: string): void {
  leaveOutUnless(existsSync(join(REAL_DATA, name)), `real data absent: ${name}`);
}

/** Stands for the tests of a kind of fixture that the folder of `CONVNEXTV2_FIXTURES` does not have. */
export function countAbsent(kind: string): void {
  // eslint-disable-next-line vitest/expect-expect -- it only skips
  test(`fixtures of kind ${kind}`, ({ skip }) => skip(`fixtures absent: ${kind}`));
}
