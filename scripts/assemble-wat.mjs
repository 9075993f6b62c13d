// Assembles WebAssembly text to a TypeScript module beside it: node scripts/assemble-wat.mjs engine/optimizer/kernels.wat
import { readFileSync, writeFileSync } from 'node:fs';
import wabtInit from 'wabt';

const wabt = await wabtInit();
for (const file of process.argv.slice(2)) {
  const module = wabt.parseWat(file, readFileSync(file, 'utf8'), { simd: true });
  module.validate({ simd: true });
  const base64 = Buffer.from(module.toBinary({}).buffer).toString('base64');
  writeFileSync(
    file.replace(/\.wat$/, '-wasm.ts'),
    `/** \`${file}\`, assembled by \`scripts/assemble-wat.mjs\`; a test compares the two. */\n` +
      `export const WASM_BASE64 =\n  '${base64}';\n`,
  );
}
