// Compiles the TypeScript sources to dist/, copies the data files beside them and marks the command line executable.
// node scripts/build.mjs [--if-changed]: npm prepares a checkout at every installation, and npx at its first use.
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { isBuilt, noteBuild } from './changed.mjs';

if (process.argv.includes('--if-changed') && isBuilt('.')) process.exit(0);

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);

// Declarations name the package that declares tensors: those of tfjs's other parts don't compile in a strict project without skipLibCheck.
for (const name of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
  if (!name.endsWith('.d.ts')) continue;
  const text = readFileSync(`dist/${name}`, 'utf8');
  const core = text.replaceAll("'@tensorflow/tfjs'", "'@tensorflow/tfjs-core'");
  // tfjs-core's declarations need the global `Long`, which a project that lists its `types` does not see, and names of the
  // DOM, which one for Node alone leaves out of its `lib`.
  const own = core.includes("'@tensorflow/tfjs-core'")
    ? `/// <reference types="long" />\n/// <reference lib="dom" />\n${core}`
    : core;
  if (own !== text) writeFileSync(`dist/${name}`, own);
}
const DATA = [
  'datasets/classes/ade20k.txt',
  'datasets/classes/coco.txt',
  'datasets/classes/imagenet.txt',
  'report/overlay/glyphs.json',
  'report/overlay/noto-sans.ttf',
  'report/overlay/noto-sans-license.txt',
  'report/page/style.css',
  'serve/page/index.html',
  'serve/page/style.css',
  'tools/browse/page.css',
  'tools/completion/script.bash',
  'tools/completion/script.fish',
  'tools/completion/script.zsh',
];
for (const file of DATA) copyFileSync(file, `dist/${file}`);
if (existsSync('dist/tools/cli.js')) chmodSync('dist/tools/cli.js', 0o755);
await import('./bundle-page.mjs');
noteBuild('.');
