// Which kernels the published @tensorflow/tfjs-node and @tensorflow/tfjs-node-gpu have, from their own JavaScript, without
// installing them (their install scripts download a native library, which many networks do not allow).
//
//   node scripts/tfjs-node-kernels.mjs               writes test/fixtures/tfjs-node/kernels.json
//   node scripts/tfjs-node-kernels.mjs --unpack DIR  only puts the packages under DIR/node_modules; DIR must lie where
//                                                    @tensorflow/tfjs is found, e.g. in node_modules/.cache
//
// Exit code 3: the npm registry cannot be reached.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const TARGET = join(ROOT, 'test/fixtures/tfjs-node/kernels.json');
const CANNOT_REACH_REGISTRY = 3;

/** The packages, and what their JavaScript requires. A tarball with other bytes is rejected. */
const PACKAGES = [
  {
    name: '@tensorflow/tfjs-node-gpu',
    version: '4.22.0',
    integrity:
      'sha512-p//NN6DGiN4hInUmIkRffaFVMcdTREUMjPyjW04J7OXvB2zBlQimj61eFKSgRrH3f5TnOfKzb0n56he/B6a4bw==',
  },
  {
    name: '@tensorflow/tfjs-node',
    version: '4.22.0',
    integrity:
      'sha512-uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==',
  },
  {
    name: 'google-protobuf',
    version: '3.21.4',
    integrity:
      'sha512-MnG7N936zcKTco4Jd2PX2U96Kf9PxygAPKBug+74LHzmHXmceN16MmRcdgZv+DGef/S9YvQAfRsNCn4cjf9yyQ==',
  },
  {
    name: 'progress',
    version: '2.0.3',
    integrity:
      'sha512-7PiHtLll5LdnKIMw100I+8xJXR5gW2QwWYkT6iJva0bXitZKa/XMrSbdmg3r2Xnaidz9Qumd0VPaMrZlF9V9sA==',
  },
];

/** Finds "the native library": what the process has put on `globalThis`, so that tests bring their own. */
const LOCATOR = {
  'package.json': '{ "name": "@mapbox/node-pre-gyp", "version": "0.0.0", "main": "index.js" }\n',
  'index.js': "exports.find = () => require('path').join(__dirname, 'binding.js');\n",
  'binding.js': "module.exports = globalThis[Symbol.for('convnextv2.tfjs-node-binding')];\n",
};

/** Prints the kernels that a package registers when loaded with a native library without operations. */
const LIST = `
  globalThis[Symbol.for('convnextv2.tfjs-node-binding')] = { isUsingGpuDevice: () => false };
  const tf = require('@tensorflow/tfjs');
  require(process.argv[1]);
  if (tf.getBackend() !== 'tensorflow') throw new Error('backend is ' + tf.getBackend());
  const names = tf.getKernelsForBackend('tensorflow').map(({ kernelName }) => kernelName);
  process.stdout.write(JSON.stringify(names.sort()));
`;

class RegistryError extends Error {}

/** Downloads one tarball into `folder`, runs none of its scripts, and returns its path. */
function download({ name, version, integrity }, folder) {
  const options = ['--json', '--ignore-scripts', '--fetch-retries=0', '--fetch-timeout=15000'];
  const { status, stdout, stderr } = spawnSync('npm', ['pack', `${name}@${version}`, ...options], {
    cwd: folder,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  });
  if (status !== 0) {
    const lines = `${stderr ?? ''}${stdout ?? ''}`.split('\n');
    const reason = lines.find((line) => /\b(code|errno) E/.test(line)) ?? lines[0];
    throw new RegistryError(`npm pack ${name}@${version}: ${reason || 'npm cannot be started'}`);
  }
  const file = join(folder, JSON.parse(stdout)[0].filename);
  const actual = `sha512-${createHash('sha512').update(fs.readFileSync(file)).digest('base64')}`;
  if (actual !== integrity) {
    throw new Error(`${name}@${version}: expected integrity ${integrity}, got ${actual}`);
  }
  return file;
}

/** Puts all packages under `folder/node_modules`, which appears at once when it is complete. */
function unpack(folder) {
  fs.mkdirSync(dirname(folder), { recursive: true });
  const temporary = fs.mkdtempSync(`${folder}-`);
  try {
    for (const each of PACKAGES) {
      const file = download(each, temporary);
      const target = join(temporary, 'node_modules', each.name);
      fs.mkdirSync(target, { recursive: true });
      const { status, stderr } = spawnSync(
        'tar',
        ['-xzf', file, '-C', target, '--strip-components=1'],
        { encoding: 'utf8' },
      );
      if (status !== 0) throw new Error(`tar: expected ${file} to unpack, got ${stderr}`);
      fs.rmSync(file);
    }
    const locator = join(temporary, 'node_modules/@mapbox/node-pre-gyp');
    fs.mkdirSync(locator, { recursive: true });
    for (const [name, text] of Object.entries(LOCATOR)) fs.writeFileSync(join(locator, name), text);
    try {
      fs.renameSync(temporary, folder);
    } catch (error) {
      if (!fs.existsSync(folder)) throw error; // else another process was faster
    }
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

function kernelsOf(name, folder) {
  const path = join(folder, 'node_modules', name);
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', LIST, path], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${name}: expected its JavaScript to load, got ${stderr}`);
  return JSON.parse(stdout.slice(stdout.indexOf('["')));
}

function writeList() {
  const folder = join(ROOT, 'node_modules/.cache', `tfjs-node-list-${process.pid}`);
  try {
    unpack(folder);
    const backends = PACKAGES.filter(({ name }) => name.startsWith('@tensorflow/'));
    const [kernels, ...others] = backends.map(({ name }) => kernelsOf(name, folder));
    if (others.some((list) => list.join() !== kernels.join())) {
      throw new Error('expected both packages to have the same kernels, got different ones');
    }
    const what = 'Kernels that the packages register for the tfjs backend "tensorflow".';
    const command = 'node scripts/tfjs-node-kernels.mjs';
    fs.mkdirSync(dirname(TARGET), { recursive: true });
    const text = JSON.stringify({ what, command, packages: backends, kernels }, null, 2);
    fs.writeFileSync(`${TARGET}.tmp`, `${text}\n`);
    fs.renameSync(`${TARGET}.tmp`, TARGET);
    console.log(`${TARGET}: ${kernels.length} kernels`);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const [option, folder, ...rest] = process.argv.slice(2);
try {
  if (option === undefined) writeList();
  else if (option === '--unpack' && folder && rest.length === 0) {
    if (!fs.existsSync(folder)) unpack(resolve(folder));
  } else throw new Error('expected no arguments or --unpack DIR');
} catch (error) {
  console.error(`tfjs-node-kernels: ${error.message}`);
  process.exitCode = error instanceof RegistryError ? CANNOT_REACH_REGISTRY : 1;
}
