import { defineConfig } from 'vitest/config';
import { SkipReporter } from './test/helpers/skip-reporter.js';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default', new SkipReporter()],
    globalSetup: ['test/helpers/build-once.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // No test reaches a publisher; those of downloads have servers of their own.
    env: { CONVNEXTV2_OFFLINE: '1' },
  },
});
