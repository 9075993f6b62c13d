// Runs the command line of this checkout and stops where it fails.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const CLI = fileURLToPath(new URL('../dist/tools/cli.js', import.meta.url));

/** The arguments as one text, so that the examples read as what one types. */
export function convnextv2(line, ...more) {
  console.log(`\n$ npx convnextv2 ${[line, ...more].join(' ')}`);
  const args = [...line.split(' '), ...more];
  const { status } = spawnSync(process.execPath, [CLI, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
