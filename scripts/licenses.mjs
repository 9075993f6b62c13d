// Lists the licenses of all packages that an installation brings, from the lockfile: npm run licenses [-- --json]
// Ends with 1 for one that is unknown or not in the list below.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Licenses whose conditions the package meets by naming them; reasons for the others. */
const PERMISSIVE =
  /^(MIT|MIT-0|ISC|0BSD|BSD-[23]-Clause|Apache-2\.0|BlueOak-1\.0\.0|CC0-1\.0|Unlicense|Python-2\.0)$/;
const NOTED = {
  'LGPL-3.0-or-later': 'the shared library libvips, which sharp loads; it can be exchanged',
};

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const rows = Object.entries(packages)
  .filter(
    ([path, { dev, peer, devOptional, link }]) =>
      path !== '' && !dev && !peer && !devOptional && !link,
  )
  .map(([path, { version, license, optional = false }]) => ({
    name: path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length),
    version,
    license: license ?? installedLicense(path),
    optional,
  }))
  .sort((a, b) => a.name.localeCompare(b.name));

/** Old packages state it only in their own file, or as a list. */
function installedLicense(path) {
  try {
    const own = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
    return own.license?.type ?? own.license ?? own.licenses?.map(({ type }) => type).join(' OR ');
  } catch {
    return undefined;
  }
}

/** `(MIT OR GPL-2.0)` is ours to choose, of `A AND B` both hold. */
function isAllowed(license) {
  const parts = String(license).replace(/[()]/g, '').split(/ AND /i);
  const isKnown = (name) => PERMISSIVE.test(name.trim()) || name.trim() in NOTED;
  return parts.every((part) => part.split(/ OR /i).some(isKnown));
}

const refused = rows.filter(({ license }) => !isAllowed(license));
if (process.argv.includes('--json')) console.log(JSON.stringify({ packages: rows, refused }));
else {
  for (const { name, version, license, optional } of rows)
    console.log(`${`${name}@${version}`.padEnd(52)} ${license}${optional ? ' (optional)' : ''}`);
  const counts = new Map();
  for (const { license } of rows) counts.set(license, (counts.get(license) ?? 0) + 1);
  console.log(`\n${rows.length} packages`);
  for (const [license, count] of [...counts].sort((a, b) => b[1] - a[1]))
    console.log(
      `${String(count).padStart(5)}  ${license}${license in NOTED ? `: ${NOTED[license]}` : ''}`,
    );
}
for (const { name, license } of refused)
  console.error(`licenses: ${name}: expected a permissive license, got ${license}`);
if (refused.length > 0) process.exitCode = 1;
