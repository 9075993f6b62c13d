// Checks the lockfile without a network, where `npm audit` is not answered: npm run lockfile
// Ends with 1 for a package without checksum, from another place than a registry, or with an install script that is not in
// the list below.
import { readFileSync } from 'node:fs';

/** Packages that run a script when they are installed, and what it does. */
const SCRIPTS = {
  'core-js': 'prints a line; of TensorFlow.js',
  protobufjs: 'prints a warning about versions; of ONNX Runtime',
  'onnxruntime-node': 'downloads libraries for CUDA; here scripts/no-downloads ends it before',
  esbuild: 'checks its binary; only for development',
  koffi: 'builds itself where there is no binary; only with MPI',
};

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
// Folders of this repository that packages are linked to.
const own = new Set(
  Object.values(packages).flatMap(({ link, resolved }) => (link ? [resolved] : [])),
);
const locked = Object.entries(packages).filter(
  ([path, { link }]) => path !== '' && !link && !own.has(path),
);
const problems = locked.flatMap(([path, { integrity = 'none', resolved, hasInstallScript }]) => {
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length);
  return [
    !/^sha512-[\w+/=]{88}$/.test(integrity) && `${path}: expected a SHA-512, got ${integrity}`,
    // Without a place it is that of the configured registry.
    resolved !== undefined &&
      !resolved.startsWith('https://') &&
      `${path}: expected an address of https, got ${resolved}`,
    hasInstallScript &&
      !Object.hasOwn(SCRIPTS, name) &&
      `${path}: expected no script at installation, got one`,
  ].filter((problem) => problem !== false && problem !== undefined);
});
for (const problem of problems) console.error(`lockfile: ${problem}`);
console.log(`${locked.length} packages, ${problems.length} problems`);
for (const [name, does] of Object.entries(SCRIPTS)) console.log(`script of ${name}: ${does}`);
if (problems.length > 0) process.exitCode = 1;
