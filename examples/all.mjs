// Runs every example in a new folder, as continuous integration does.
// node examples/all.mjs [folder]
import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const folder = process.argv[2] ?? mkdtempSync(join(tmpdir(), 'convnextv2-examples-'));
const NAMES = [
  'own-classifier',
  'library',
  'own-encoder',
  'own-detector',
  'worker-thread',
  'http-handler',
  'own-segmenter',
  'fine-tune',
  'evaluate',
  'predict-overlays',
  'browser',
  'worker-pool',
  'custom-data-set',
  'custom-backbone',
  'custom-head',
];
for (const name of NAMES) {
  console.log(`\n# ${name}`);
  const file = fileURLToPath(new URL(`${name}.mjs`, import.meta.url));
  const { status } = spawnSync(process.execPath, [file, folder], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
console.log(`\nall examples ran; what they made is in ${folder}`);
