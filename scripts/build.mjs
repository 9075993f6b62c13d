// Compiles the TypeScript sources to dist/, copies the data file beside them and marks the command line executable.
import { chmodSync, copyFileSync, existsSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);
const CLASSES = 'datasets/classes/imagenet.txt';
copyFileSync(CLASSES, `dist/${CLASSES}`);
if (existsSync('dist/tools/cli.js')) chmodSync('dist/tools/cli.js', 0o755);
