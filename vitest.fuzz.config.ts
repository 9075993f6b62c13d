import { defineConfig } from 'vitest/config';

/** Reads damaged files for minutes, so not part of the default run. */

export default defineConfig({
  test: {
    include: ['test/fuzz/**/*.fuzz.ts'],
    pool: 'forks',
    maxWorkers: 1,
    hookTimeout: 300_000,
  },
});
