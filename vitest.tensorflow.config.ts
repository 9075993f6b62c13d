import { suite } from './test/helpers/suite.js';

/**
 * Training steps, parity suites, operations and heads on the real TensorFlow under tfjs-node: `npm run test:tensorflow`,
 * which gets it (`scripts/real-tensorflow.mjs`). Wherever a suite runs 'eager cpu', the backend is `tensorflow` here.
 */
export default suite(
  ['test/tensorflow/**/*.tensorflow.ts', 'test/{parity,engine/ops,heads}/**/*.test.ts'],
  {
    setupFiles: ['test/tensorflow/load.ts'],
    isolate: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
);
