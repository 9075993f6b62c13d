import { defineConfig } from 'vitest/config';

/**
 * Training steps, parity suites, operations and heads on the real TensorFlow under tfjs-node: `npm run test:tensorflow`,
 * which gets it (`scripts/real-tensorflow.mjs`). Wherever a suite runs 'eager cpu', the backend is `tensorflow` here.
 */

export default defineConfig({
  test: {
    include: [
      'test/tensorflow/**/*.tensorflow.ts',
      'test/parity/**/*.test.ts',
      'test/engine/ops/**/*.test.ts',
      'test/heads/**/*.test.ts',
    ],
    setupFiles: ['test/tensorflow/load.ts'],
    globalSetup: ['test/helpers/build-once.ts'],
    pool: 'forks',
    isolate: false,
    maxWorkers: 1,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
