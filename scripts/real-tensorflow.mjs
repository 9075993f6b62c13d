// Puts the real TensorFlow under the published @tensorflow/tfjs-node in node_modules/.cache, for `npm run test:tensorflow`,
// without the downloads of its install script: the package comes from npm, TensorFlow's library from the wheel of the same
// version on PyPI, and the addon is compiled here from the two files of the package.
//
//   node scripts/real-tensorflow.mjs             prints the folder of the package
//   node scripts/real-tensorflow.mjs vitest ...  runs Vitest on it; without TensorFlow, says why and ends well
//
// Linux x64 with node's headers, g++, pip, unzip and nm; 198 MiB are downloaded and 720 MiB of disk used, once.
// Exit code 3 without arguments: something of this is missing or cannot be reached; the reason is on standard error.
import { spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const CACHE = join(ROOT, 'node_modules/.cache/convnextv2');
const PACKAGES = join(CACHE, 'tfjs-node-4.22.0');
const PACKAGE = join(PACKAGES, 'node_modules/@tensorflow/tfjs-node');
const WHEEL = join(CACHE, 'tensorflow-2.9.1');
const ADDON = join(PACKAGE, 'lib/napi-v8/tfjs_binding.node');
/** Library that tfjs-node 4.22.0 downloads itself. Its wheels end at Python 3.10; nothing of Python runs. */
const TENSORFLOW = {
  pin: 'tensorflow-cpu==2.9.1 --hash=sha256:6666ddeae45e1f41da788cb4bdea3435aba16edb0bc17b7ac00631c7c9eb052e',
  python: '3.10',
};
const MISSING = 3;

class MissingError extends Error {}

function run(command, args, options = {}) {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    ...options,
  });
  if (error) throw new MissingError(`${command}: ${error.message}`);
  if (status !== 0 && !(options.allowed ?? []).includes(status)) {
    const text = `${stderr}${stdout}`.trim().split('\n').slice(-3).join('\n');
    throw new MissingError(`${command} ${args.slice(0, 4).join(' ')}: ${text}`);
  }
  return stdout;
}

/** Downloads the wheel and unpacks libraries and headers; the folder appears when it is complete. */
function unpackWheel() {
  if (fs.existsSync(WHEEL)) return;
  const temporary = fs.mkdtempSync(`${WHEEL}-`);
  try {
    const requirements = join(temporary, 'requirements.txt');
    fs.writeFileSync(requirements, `${TENSORFLOW.pin}\n`);
    const source = ['--no-deps', '--only-binary=:all:', '--python-version', TENSORFLOW.python];
    run('python3', [
      ...['-m', 'pip', 'download', '--quiet', '--require-hashes', '-r', requirements],
      ...[...source, '--dest', temporary],
    ]);
    const wheel = fs.readdirSync(temporary).find((name) => name.endsWith('.whl'));
    const parts = [
      'tensorflow/libtensorflow_framework.so.2',
      'tensorflow/python/_pywrap_tensorflow_internal.so',
      ...['tensorflow', 'tsl', 'xla'].map((name) => `tensorflow/include/${name}/*`),
    ];
    // 11: a name that this version does not have.
    run('unzip', ['-q', '-o', join(temporary, wheel), ...parts, '-d', temporary], {
      allowed: [11],
    });
    fs.rmSync(join(temporary, wheel));
    fs.renameSync(temporary, WHEEL);
  } finally {
    fs.rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * The library of the Python module resolves all its names when it is loaded, those of the interpreter too. Nothing that
 * tfjs-node calls uses one of them, so names that stand for nothing will do.
 */
function standInsForPython(library, build, target) {
  const names = run('nm', ['-D', '--undefined-only', library])
    .split('\n')
    .map((line) => line.trim().split(/\s+/).at(-1))
    .filter((name) => /^_?Py/.test(name));
  const source = join(build, 'no-python.c');
  fs.writeFileSync(source, names.map((name) => `char ${name}[512];\n`).join(''));
  run('gcc', ['-shared', '-fPIC', '-o', target, source]);
}

function buildAddon() {
  const headers = process.env.NODE_HEADERS ?? join(process.execPath, '../../include/node');
  if (!fs.existsSync(join(headers, 'node_api.h')))
    throw new MissingError(`no node_api.h in ${headers}: set NODE_HEADERS`);
  const deps = join(PACKAGE, 'deps');
  const [lib, build] = [join(deps, 'lib'), join(CACHE, 'build')];
  for (const folder of [deps, join(PACKAGE, 'lib')])
    fs.rmSync(folder, { recursive: true, force: true });
  for (const folder of [lib, dirname(ADDON), build]) fs.mkdirSync(folder, { recursive: true });
  const [framework, internal] = ['libtensorflow_framework.so.2', '_pywrap_tensorflow_internal.so'];
  fs.symlinkSync(join(WHEEL, 'tensorflow/include'), join(deps, 'include'));
  fs.symlinkSync(join(WHEEL, 'tensorflow', framework), join(lib, framework));
  fs.symlinkSync(framework, join(lib, 'libtensorflow_framework.so'));
  fs.symlinkSync(join(WHEEL, 'tensorflow/python', internal), join(lib, internal));
  standInsForPython(join(lib, internal), build, join(lib, 'libno-python.so'));
  const objects = ['tfjs_backend', 'tfjs_binding'].map((name) => {
    const object = join(build, `${name}.o`);
    run('g++', [
      ...['-c', '-fPIC', '-O2', '-std=c++17', '-DNAPI_VERSION=8'],
      ...[`-I${headers}`, `-I${join(deps, 'include')}`],
      ...[join(PACKAGE, 'binding', `${name}.cc`), '-o', object],
    ]);
    return object;
  });
  const temporary = `${ADDON}.partial`;
  run('g++', [
    ...['-shared', '-o', temporary, ...objects, `-L${lib}`, '-Wl,-rpath,$ORIGIN/../../deps/lib'],
    ...['-Wl,--no-as-needed', '-lno-python', `-l:${internal}`, '-ltensorflow_framework'],
  ]);
  fs.renameSync(temporary, ADDON);
}

function vitest(args) {
  const command = [join(ROOT, 'node_modules/vitest/vitest.mjs'), ...args];
  // Without the variable TensorFlow writes lines about the processor to standard error.
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: '2', CONVNEXTV2_TEST_EAGER: 'tensorflow' };
  return spawnSync(process.execPath, command, { stdio: 'inherit', env }).status ?? 1;
}

try {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new MissingError(`expected linux-x64, got ${process.platform}-${process.arch}`);
  if (!fs.existsSync(ADDON)) {
    fs.mkdirSync(CACHE, { recursive: true });
    if (!fs.existsSync(PACKAGES))
      run(process.execPath, [join(ROOT, 'scripts/tfjs-node-kernels.mjs'), '--unpack', PACKAGES]);
    unpackWheel();
    buildAddon();
  }
  const [runner, ...args] = process.argv.slice(2);
  if (runner === 'vitest') process.exitCode = vitest(args);
  else console.log(PACKAGES);
} catch (error) {
  if (!(error instanceof MissingError)) throw error;
  if (process.argv.length > 2)
    console.error(`left out, because TensorFlow cannot be had: ${error.message}`);
  else {
    console.error(error.message);
    process.exitCode = MISSING;
  }
}
