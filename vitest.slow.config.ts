import { defineConfig } from 'vitest/config';

/** Tests of full-size models, which write files of hundreds of megabytes: `npm run test:slow`. */
export default defineConfig({
  test: {
    include: ['test/**/*.slow.ts'],
    globalSetup: ['test/helpers/build-once.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    env: { CONVNEXTV2_OFFLINE: '1' },
  },
});
