// Bundles the page of `serve` into one script.
import { buildSync } from 'esbuild';

buildSync({
  entryPoints: ['serve/page/app.ts'],
  outfile: 'dist/serve/page/bundle.js',
  bundle: true,
  minify: true,
  format: 'esm',
  target: 'es2022',
  logLevel: 'warning',
});
