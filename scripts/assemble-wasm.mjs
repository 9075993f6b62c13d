// Assembles every heads/roi/NAME.wat to heads/roi/NAME.generated.ts, which holds the bytes as base64 and is committed, so that
// neither the build nor users need an assembler. With --check nothing is written and a difference is an error.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import loadWabt from 'wabt';

const FOLDER = resolve(fileURLToPath(import.meta.url), '../../heads/roi');

async function assemble(file) {
  const wabt = await loadWabt();
  const module = wabt.parseWat(file, readFileSync(join(FOLDER, file), 'utf8'), { simd: true });
  try {
    module.validate();
    return Buffer.from(module.toBinary({ canonicalize_lebs: true }).buffer);
  } finally {
    module.destroy();
  }
}

function generatedModule(file, bytes) {
  const name = file
    .replace(/\.wat$/, '')
    .replaceAll('-', '_')
    .toUpperCase();
  const lines = bytes.toString('base64').match(/.{1,90}/g);
  return [
    `/** ${bytes.length} bytes of WebAssembly, base64: ${file} assembled by scripts/assemble-wasm.mjs. */`,
    `export const ${name} =`,
    ...lines.map((line, i) => `  '${line}'${i + 1 < lines.length ? ' +' : ';'}`),
    '',
  ].join('\n');
}

const check = process.argv.includes('--check');
for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.wat'))) {
  const target = join(FOLDER, file.replace(/\.wat$/, '.generated.ts'));
  const text = generatedModule(file, await assemble(file));
  if (!check) writeFileSync(target, text);
  else if (readFileSync(target, 'utf8') !== text) {
    console.error(
      `assemble-wasm: expected ${target} to hold ${file}, got other bytes; run node scripts/assemble-wasm.mjs`,
    );
    process.exitCode = 1;
  }
}
