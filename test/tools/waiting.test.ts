import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const WAITING = new URL('../../dist/tools/waiting.js', import.meta.url).href;

/** Runs code with the functions of `tools/waiting.ts`; returns what it wrote to standard error. */
function run(code: string): string {
  const script = `const { tellWaits, waitsFor } = await import('${WAITING}');
    // Keeps the thread busy, as building a graph does: no timer of its own could run.
    const busy = (ms) => { const end = Date.now() + ms; while (Date.now() < end); };
    ${code}`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
  });
  return stderr;
}

test('a wait is told while the thread is busy, and not when something was written meanwhile', () => {
  expect(run(`tellWaits(); waitsFor('building'); busy(3000);`)).toBe('building …\n');
  const quick = `tellWaits(); waitsFor('loading'); busy(50); process.stderr.write('done\\n'); busy(1500);`;
  expect(run(quick)).toBe('done\n');
});

test('the newest wait is told, in one line, and none without tellWaits', () => {
  const two = `tellWaits(); waitsFor('first'); busy(20); waitsFor('a\\nb'); busy(3000);`;
  expect(run(two)).toBe('a\\u000ab …\n');
  expect(run(`waitsFor('nothing'); busy(1500);`)).toBe('');
});
