// Assembles every NAME.wat to NAME.generated.ts beside it, which holds the bytes as base64 and is committed, so that neither the build nor
// users need an assembler. With --check nothing is written and a difference is an error.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import loadWabt from 'wabt';

const ROOT = resolve(fileURLToPath(import.meta.url), '../..');
const wabt = await loadWabt();

function generatedModule(file) {
  const module = wabt.parseWat(file, readFileSync(join(ROOT, file), 'utf8'), { simd: true });
  module.validate({ simd: true });
  const bytes = Buffer.from(module.toBinary({}).buffer);
  module.destroy();
  const lines = bytes.toString('base64').match(/.{1,90}/g);
  return [
    `/** ${bytes.length} bytes of WebAssembly, base64: \`${file}\` assembled by \`npm run wasm\`. */`,
    `export const WASM_BASE64 =`,
    ...lines.map((line, i) => `  '${line}'${i + 1 < lines.length ? ' +' : ';'}`),
    '',
  ].join('\n');
}

const sources = ['datasets', 'engine', 'heads'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true })
    .filter((name) => name.endsWith('.wat'))
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`),
);
for (const file of sources) {
  const target = file.replace(/\.wat$/, '.generated.ts');
  const text = generatedModule(file);
  if (!process.argv.includes('--check')) writeFileSync(join(ROOT, target), text);
  else if (readFileSync(join(ROOT, target), 'utf8') !== text) {
    console.error(`${target}: expected ${file} assembled, got other bytes; run npm run wasm`);
    process.exitCode = 1;
  }
}
