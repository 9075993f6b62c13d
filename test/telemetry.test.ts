import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from './helpers/temporary-folder.js';

const { folder } = temporaryFolder();

/** Opens a session in a process of its own. @returns what is left in its home folder and its folder for temporary files */
function leftBehind(name: string, code: string): readonly string[] {
  const home = join(folder, name);
  const temporary = join(home, 'tmp');
  mkdirSync(temporary, { recursive: true });
  const env: NodeJS.ProcessEnv = { ...process.env, HOME: home, TMPDIR: temporary };
  // Under CI and with its opt-out, the library reports nothing by itself.
  for (const variable of ['CI', 'ORT_DISABLE_TELEMETRY', 'XDG_CACHE_HOME']) delete env[variable];
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', code], {
    env,
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  return readdirSync(home, { recursive: true, encoding: 'utf8' }).filter((path) => path !== 'tmp');
}

const ENGINE = JSON.stringify(new URL('../dist/engine/runtime/engine.js', import.meta.url).href);
const OPEN = `const { openEngine } = await import(${ENGINE}); await openEngine();`;

test.each([
  ['the main thread', OPEN],
  [
    'a worker of a program that imports the package',
    `await import(${ENGINE});
     const { Worker } = await import('node:worker_threads');
     const worker = new Worker(${JSON.stringify(`void (async () => { ${OPEN} })()`)}, { eval: true });
     await new Promise((resolve, reject) => { worker.on('exit', resolve); worker.on('error', reject); });`,
  ],
])('ONNX Runtime in %s reports nothing and leaves no files', (name, code) => {
  expect(leftBehind(name.replaceAll(' ', '-'), code)).toEqual([]);
});
