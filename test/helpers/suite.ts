import { defineConfig, type ViteUserConfig } from 'vitest/config';

/** Configuration of tests that are not part of the default run. @param include patterns of their files */
export const suite = (
  include: string | string[],
  test: ViteUserConfig['test'] = {},
): ViteUserConfig =>
  defineConfig({
    test: {
      include: [include].flat(),
      globalSetup: ['test/helpers/build-once.ts'],
      pool: 'forks',
      maxWorkers: 1,
      ...test,
    },
  });
