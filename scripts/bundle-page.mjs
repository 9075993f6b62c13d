// Bundles what runs in browsers (the page of `serve`, the library `convnextv2/browser`, the page of `export --web`) and the parts
// of tfjs that Node cannot require.
import { rmSync } from 'node:fs';
import { build } from 'esbuild';
import { fileURLToPath } from 'node:url';

const common = {
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  platform: 'browser',
  logLevel: 'warning',
};
// The whole of tfjs has backends and data sets, and is loaded by Node's means; here it only records graphs.
const tfjs = fileURLToPath(new URL('tfjs-core-only.mjs', import.meta.url));
const tfjsCoreOnly = {
  name: 'tfjs-core-only',
  setup: (build) => build.onResolve({ filter: /\/tfjs\.js$/ }, () => ({ path: tfjs })),
};

await build({
  ...common,
  format: 'cjs',
  platform: 'node',
  entryPoints: ['scripts/tfjs-parts.mjs'],
  outfile: 'dist/engine/tfjs-parts.cjs',
});
// The CPU backend without the maps of its package, which are 11 MB. It registers with the tfjs-core that is installed.
await build({
  ...common,
  format: 'cjs',
  platform: 'node',
  entryPoints: ['@tensorflow/tfjs-backend-cpu'],
  outfile: 'dist/engine/tfjs-cpu.cjs',
  external: ['@tensorflow/tfjs-core'],
});

await build({
  ...common,
  entryPoints: ['serve/page/main.ts'],
  outfile: 'dist/serve/page/bundle.js',
});
// onnxruntime-web stays an import of the person's own bundler, which places its WebAssembly files.
await build({
  ...common,
  plugins: [tfjsCoreOnly],
  entryPoints: ['inference/web/index.ts'],
  outfile: 'dist/inference/web/bundle.js',
  external: ['onnxruntime-web'],
});
// Names of shared parts change with their content.
rmSync('dist/serve/browser/site', { recursive: true, force: true });
await build({
  ...common,
  plugins: [tfjsCoreOnly],
  entryPoints: { app: 'serve/browser/main.ts', worker: 'serve/browser/worker.ts' },
  outdir: 'dist/serve/browser/site',
  splitting: true,
  // Its WebAssembly files lie beside the page, see serve/browser/write-site.ts.
  conditions: ['onnxruntime-web-use-extern-wasm'],
});
