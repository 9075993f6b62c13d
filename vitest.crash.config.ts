import { suite } from './test/helpers/suite.js';

/** Kills training many times: minutes, so not part of the default run. */
export default suite('test/crash/**/*.crash.ts', { testTimeout: 1_200_000, hookTimeout: 300_000 });
