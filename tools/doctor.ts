import type { Command } from 'commander';
import { print, printJson, type JsonFlag } from './output.js';

/** `convnextv2 doctor` */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('what this machine offers, what is missing, and the command that adds it')
    .option('--json', 'print one JSON document')
    .action(async (flags: JsonFlag) => {
      const { diagnose } = await import('./doctor/diagnose.js');
      const findings = await diagnose();
      if (flags.json) printJson({ findings });
      else {
        for (const { name, state, detail, remedy } of findings) {
          const mark = { ok: 'ok  ', missing: 'none', problem: 'FAIL' }[state];
          print(`${mark}  ${name.padEnd(28)} ${detail}${remedy ? `\n      ${remedy}` : ''}`);
        }
      }
      if (findings.some(({ state }) => state === 'problem')) process.exitCode = 2;
    });
}
