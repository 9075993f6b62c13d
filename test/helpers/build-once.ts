import { spawnSync } from 'node:child_process';

/** Worker modules and the command line run from built JavaScript, so the sources are compiled once before the tests. */
export function setup(): void {
  if (process.env['CONVNEXTV2_SKIP_BUILD']) return;
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
  if (status !== 0)
    throw new Error('build-once: expected the build to succeed, got errors (see above)');
  process.env['CONVNEXTV2_SKIP_BUILD'] = '1'; // every project of a configuration calls this
}
