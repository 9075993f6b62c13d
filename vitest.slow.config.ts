import { suite } from './test/helpers/suite.js';

/** Tests of full-size models, which write files of hundreds of megabytes: `npm run test:slow`. */
export default suite('test/**/*.slow.ts', {
  testTimeout: 600_000,
  hookTimeout: 600_000,
  env: { CONVNEXTV2_OFFLINE: '1' },
});
