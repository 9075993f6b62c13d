import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const SCRIPT = resolve('scripts/lockfile.mjs');
type Entry = Record<string, unknown>;
type Lockfile = { readonly packages: Record<string, Entry> };

function check(change: (packages: Record<string, Entry>) => void): ReturnType<typeof spawnSync> {
  const folder = mkdtempSync(join(tmpdir(), 'convnextv2-lockfile-'));
  try {
    const lockfile = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lockfile;
    change(lockfile.packages);
    writeFileSync(join(folder, 'package-lock.json'), JSON.stringify(lockfile));
    return spawnSync(process.execPath, [SCRIPT], { cwd: folder, encoding: 'utf8' });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('all locked packages have checksums and no script that is not known', () => {
  const { status, stdout } = check(() => undefined);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^\d{3} packages, 0 problems/);
});

test.each<[string, Entry, RegExp]>([
  ['without checksum', { integrity: undefined }, /ajv: expected a SHA-512, got none/],
  ['with a weak one', { integrity: 'sha1-abc=' }, /ajv: expected a SHA-512, got sha1-abc=/],
  ['from elsewhere', { resolved: 'git+ssh://a/b.git' }, /ajv: expected an address of https/],
  ['with a script', { hasInstallScript: true }, /ajv: expected no script at installation/],
])('a package %s is named', (_, entry, message) => {
  const { status, stderr } = check((packages) => {
    packages['node_modules/ajv'] = { ...packages['node_modules/ajv'], ...entry };
  });
  expect(status).toBe(1);
  expect(stderr).toMatch(message);
});
