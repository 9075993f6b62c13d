import { suite } from './test/helpers/suite.js';

/** The tests of the WebGPU provider, which need an adapter: not part of the default run. See docs/webgpu.md. */
export default suite('test/webgpu/**/*.webgpu.ts', {
  globalSetup: ['test/webgpu/find-adapter.ts'],
  maxWorkers: 2,
  // A software adapter compiles a shader for every kind of node before the first result.
  testTimeout: 600_000,
  hookTimeout: 120_000,
});
