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

/** End-to-end tests that train, serve or start many processes: `npm run test:long`, a third of the time of all. */
const LONG = [
  'test/docs/{doc-examples,readme}.test.ts',
  'test/datasets/shapes/{shapes,write}.test.ts',
  'test/names-in-any-script.test.ts',
  'test/serve/{attacks,page,predict,server}.test.ts',
  'test/inference/export/{pictures,web-precisions}.test.ts',
  'test/io/mutations.test.ts',
  'test/tools/{detect,previous-version,waiting}.test.ts',
  'test/tools/predict/detect.test.ts',
  'test/train/compare-models.test.ts',
  'test/tools/analyze/errors.test.ts',
  'test/tools/predict/large.test.ts',
  'test/tools/score/coco-threads.test.ts',
  'test/tools/{eval-shards,predict-stream,read-only,run-owner,train-options,train-run}.test.ts',
  'test/train/{best-weights,damaged-images,resume,safety,turned-photos}.test.ts',
  'test/train/classify/finetune.test.ts',
  'test/train/detect/{run,sync-bn-box-heads,trainer}.test.ts',
  'test/train/segment/trainer.test.ts',
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
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts'],
          exclude: [...ALONE, ...LONG],
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE } },
      { extends: true, test: { name: 'long', include: LONG, isolate: false } },
    ],
    pool: 'forks',
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // No test reaches a publisher; those of downloads have servers of their own.
    env: { CONVNEXTV2_OFFLINE: '1' },
  },
});
