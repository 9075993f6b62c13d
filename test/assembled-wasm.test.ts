import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

// In a process of its own: inside a test process of Node 24 wabt 1.0.39 reads past the end of the text.
test('the committed WebAssembly is the assembled text', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/assemble-wasm.mjs', '--check'], {
    cwd: resolve(import.meta.dirname, '..'),
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  expect(status).toBe(0);
});
