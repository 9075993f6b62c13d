import { suite } from './test/helpers/suite.js';

/** Reads damaged files for minutes, so not part of the default run. */
export default suite('test/fuzz/**/*.fuzz.ts', { globalSetup: [], hookTimeout: 300_000 });
