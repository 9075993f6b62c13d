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
  },
});
