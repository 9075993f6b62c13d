// Packs the library and installs it into empty projects, with and without onnxruntime-node, as a user would.
// node scripts/pack-check.mjs [native] [fallback]
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { carryRuntime, removeRuntime } from './carry-runtime.mjs';

// Of these, 7 MB are the compressed WebAssembly of onnxruntime-web, in place of a package of 140 MiB.
const MAX_BYTES = 11e6;
/** Of all packages on Linux x64, as `du` counts blocks. */
const MAX_INSTALLED_MIB = 400;
const asked = process.argv.slice(2);
const kinds = asked.length > 0 ? asked : ['native', 'fallback'];
const root = mkdtempSync(join(tmpdir(), 'convnextv2-pack-'));

function fail(message) {
  console.error(`pack-check: ${message}`);
  process.exitCode = 1;
  throw new Error(message);
}

function run(command, args, cwd) {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' });
  if (status !== 0)
    fail(`${command} ${args.join(' ')}: expected exit code 0, got ${status}\n${stdout}\n${stderr}`);
  return { stdout, stderr };
}

/** Files that a page at the top links to. */
function linksOf(page) {
  const links = [...readFileSync(page, 'utf8').matchAll(/\]\(([^)#]+)/g)].map(([, link]) => link);
  return links.filter((link) => !/^https?:/.test(link));
}

// The five-line use of the library, in a file of the user's.
const API = `
import { loadModel } from 'convnextv2';
const model = await loadModel('model.pth', { size: 64, top: 3 });
const { classes } = await model.predict('image.jpg');
console.log(JSON.stringify(classes));
await model.release();
`;

const TYPED = `
import { draw, loadModel, toCoco, type ImageResult, type RgbImage } from 'convnextv2';
const model = await loadModel('model.pth', { task: 'classify', size: 64 });
export const first: string | undefined = (await model.predict('image.jpg')).classes[0]?.name;
export const result: ImageResult = await (await loadModel('run')).predict(new URL('file:///a.jpg'));
export const picture: RgbImage = await draw(result, 'image.jpg');
export const rows = result.task === 'detect' ? toCoco(result, { imageId: 1 }) : [];
`;

try {
  carryRuntime();
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', root], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  );
  removeRuntime();
  const files = packed.files.map(({ path }) => path);
  console.log(`${packed.filename}: ${(packed.size / 1e6).toFixed(2)} MB, ${files.length} files`);
  if (packed.size > MAX_BYTES) fail(`expected at most ${MAX_BYTES} bytes, got ${packed.size}`);
  const strays = files.filter((path) =>
    /(^|\/)(test|bench|fixtures|node_modules|runs)\//.test(path),
  );
  if (strays.length > 0) fail(`expected no tests and data, got ${strays.slice(0, 5).join(', ')}`);
  for (const needed of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/tools/cli.js',
    'dist/serve/page/bundle.js',
    'dist/onnxruntime-web/ort.node.min.mjs',
    'dist/onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm.br',
    'README.md',
    'LICENSE',
    ...linksOf('README.md'),
  ])
    if (!files.includes(needed)) fail(`expected ${needed} in the package, got none`);

  for (const kind of kinds) {
    const project = join(root, kind);
    mkdirSync(project);
    cpSync(resolve('test/fixtures/small/backbone_official.pth'), join(project, 'model.pth'));
    cpSync(resolve('test/fixtures/small/preprocess_q90_420.jpg'), join(project, 'image.jpg'));
    writeFileSync(
      join(project, 'package.json'),
      '{"name": "user", "type": "module", "private": true}\n',
    );
    writeFileSync(join(project, 'use.mjs'), API);
    writeFileSync(join(project, 'use.ts'), TYPED);
    const flags = kind === 'native' ? ['--ignore-scripts'] : [];
    run(
      'npm',
      ['install', '--no-audit', '--no-fund', ...flags, join(root, packed.filename)],
      project,
    );
    const mib = parseInt(run('du', ['-sm', 'node_modules'], project).stdout);
    console.log(`${kind}: ${mib} MiB installed`);
    if (mib > MAX_INSTALLED_MIB)
      fail(`${kind}: expected at most ${MAX_INSTALLED_MIB} MiB, got ${mib}`);
    const { findings } = JSON.parse(run('npx', ['convnextv2', 'doctor', '--json'], project).stdout);
    const engine = findings.find(({ name }) => name === 'ONNX Runtime');
    console.log(`${kind}: ${engine.detail}`);
    const isNative = engine.state === 'ok';
    if (kind === 'native' && !isNative)
      fail(`native: expected onnxruntime-node, got ${engine.detail}`);
    if (!isNative && !engine.remedy) fail('fallback: expected doctor to name the remedy, got none');
    const predict = ['convnextv2', 'predict', 'model.pth', 'image.jpg', '--size', '64', '--json'];
    const { stdout, stderr } = run('npx', predict, project);
    const [{ top }] = JSON.parse(stdout).predictions;
    if (!isNative && !/onnxruntime-web|slower/.test(stderr))
      fail(`fallback: expected a line that says so, got ${stderr}`);
    const site = ['convnextv2', 'export', 'model.pth', '--size', '64', '--web', 'site'];
    run('npx', site, project);
    for (const name of ['ort-wasm-simd-threaded', 'ort-wasm-simd-threaded.asyncify'])
      if (!WebAssembly.validate(readFileSync(join(project, `site/runtime/${name}.wasm`))))
        fail(`${kind}: expected WebAssembly beside the page, got another file`);
    const scores = JSON.parse(run('node', ['use.mjs'], project).stdout);
    console.log(
      `${kind}: predict ${top[0].classIndex} ${top[0].probability.toFixed(4)}, library ${scores[0].classIndex} ${scores[0].probability.toFixed(4)}`,
    );
    if (scores[0].classIndex !== top[0].classIndex)
      fail('expected the library to agree with the command');
    if (!isNative) {
      const fixed = JSON.parse(
        run('npx', ['convnextv2', 'doctor', '--fix', '--json'], project).stdout,
      );
      const { state, detail } = fixed.findings.find(({ name }) => name === 'ONNX Runtime');
      console.log(`${kind}: doctor --fix gives ${detail}`);
      if (state !== 'ok') fail(`fallback: expected doctor --fix to install it, got ${detail}`);
    }
    // As projects for Node have them: our declarations name Node's types.
    const types = ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'];
    run('npm', [...types, '@types/node@20'], project);
    for (const [module, moduleResolution] of [
      ['nodenext', 'nodenext'],
      ['esnext', 'bundler'],
    ])
      for (const exactOptionalPropertyTypes of [true, false]) {
        const compilerOptions = {
          ...{ module, moduleResolution, exactOptionalPropertyTypes, target: 'es2022' },
          ...{ strict: true, skipLibCheck: false, noEmit: true },
          // With a list, other packages' global types are not seen; a project for Node alone has no DOM.
          ...(exactOptionalPropertyTypes && { types: ['node'], lib: ['es2022'] }),
        };
        const config = JSON.stringify({ compilerOptions, files: ['use.ts'] });
        writeFileSync(join(project, 'tsconfig.json'), config);
        run('node', [resolve('node_modules/typescript/lib/tsc.js')], project);
      }
  }
  console.log('pack-check: the package installs and works');
} finally {
  rmSync(root, { recursive: true, force: true });
}
