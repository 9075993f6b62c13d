import { readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Packages and files that importing `file` loads at once: dynamic imports are not followed. */
function loadedBy(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(file, 'utf8');
  for (const match of text.matchAll(
    /^(?:import|export)\s(?!type\s)(?:[^'";]*?from\s+)?'([^']+)'/gm,
  )) {
    const name = match[1];
    if (name.startsWith('.')) loadedBy(join(dirname(file), name).replace(/\.js$/, '.ts'), seen);
    else seen.add(name);
  }
  return seen;
}

const packagesOf = (file: string): readonly string[] =>
  [...loadedBy(join(ROOT, file))].filter(
    (name) => !name.startsWith('/') && !name.startsWith('node:'),
  );

test('the command line loads nothing that computes until a verb runs', () => {
  expect(packagesOf('tools/start-program.ts')).toEqual(['commander']);
});

test('a prediction loads no package for formats or schemas that it may not need', () => {
  const packages = [...packagesOf('tools/open-model.ts'), ...packagesOf('train/predict-files.ts')];
  expect(packages).toContain('sharp');
  for (const name of ['ajv', 'yaml', 'pngjs']) expect(packages).not.toContain(name);
});

test('a process that only starts another one loads no packages and no tables of options', () => {
  const loaded = [...loadedBy(join(ROOT, 'tools/cli.ts'))].filter(
    (name) => !name.startsWith('node:'),
  );
  expect(loaded.map((name) => name.slice(ROOT.length + 1)).toSorted()).toEqual([
    'core/telemetry.ts',
    'tools/cli.ts',
    'tools/launcher.ts',
    'tools/relaunch.ts',
  ]);
});
