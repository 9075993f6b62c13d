import { defineConfig } from 'vitest/config';
import { SkipReporter } from './test/helpers/skip-reporter.js';

/** Tests of the modules' own state (mocked or imported again) or of the memory of the process. */
const ALONE = [
  'test/datasets/transforms/resize.test.ts',
  'test/engine/runtime/free-now.test.ts',
  'test/engine/runtime/onnx-runtime.test.ts',
  'test/engine/tfjs-node*.test.ts',
  'test/train/distributed/rendezvous.test.ts',
  'test/weights/command.test.ts',
];

export default defineConfig({
  test: {
    reporters: ['default', new SkipReporter()],
    globalSetup: ['test/helpers/build-once.ts'],
    maxWorkers: 2,
    projects: [
      // Starting a process and importing the libraries takes as long as most tests, so these share two processes.
      {
        extends: true,
        test: { name: 'shared', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false },
      },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
    pool: 'forks',
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // No test reaches a publisher; those of downloads have servers of their own.
    env: { CONVNEXTV2_OFFLINE: '1' },
  },
});
