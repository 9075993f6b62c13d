import type { Command } from 'commander';
import type { Diagnosis } from './doctor/providers.js';
import { log, print, printJson, type JsonFlag } from './output.js';
import { waitsFor } from './waiting.js';

interface Flags extends JsonFlag {
  readonly fix: boolean;
  readonly slim: boolean;
}

/** `convnextv2 doctor` */
export function defineDoctor(verb: Command): void {
  verb
    .option('--fix', 'install onnxruntime-node if it is missing, without its install script', false)
    .option('--slim', 'remove what this machine cannot use from the installed packages', false)
    .option('--json', 'print one JSON document')
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const { diagnose } = await import('./doctor/diagnose.js');
  if (flags.slim) await slim();
  if (flags.fix && (await fix())) return again(flags.json === true);
  waitsFor('measuring the processor, asking for GPUs');
  const findings = await diagnose();
  if (flags.json) printJson({ findings });
  else {
    for (const { name, state, detail, remedy } of findings) {
      const mark = { ok: 'ok  ', missing: 'none', problem: 'FAIL' }[state];
      print(`${mark}  ${name.padEnd(28)} ${detail}${remedy ? `\n      ${remedy}` : ''}`);
    }
    print(verdictOf(findings.map(({ state }) => state)));
  }
  if (findings.some(({ state }) => state === 'problem')) process.exitCode = 2;
}

/** One line: whether everything that is needed is there. */
function verdictOf(states: readonly Diagnosis['state'][]): string {
  const [problems, missing] = (['problem', 'missing'] as const).map(
    (wanted) => states.filter((state) => state === wanted).length,
  );
  if (problems > 0) return `Not ready: ${problems} marked FAIL, with what to do.`;
  const others = missing > 0 ? ` (${missing} marked none are optional)` : '';
  return `Ready to predict and train on this machine${others}.`;
}

/** Installs what is missing. @returns whether anything was */
async function fix(): Promise<boolean> {
  const { loadOnnxRuntime } = await import('../engine/runtime/load-runtime.js');
  if ((await loadOnnxRuntime()).kind === 'native') return false;
  const { installMissing } = await import('./doctor/fix.js');
  const { packageRoot } = await import('../io/files/module-url.js');
  const { spawnSync } = await import('node:child_process');
  const { WorkError } = await import('../core/errors.js');
  const { command, cwd } = installMissing(packageRoot());
  log(`${cwd}: ${command.join(' ')}`);
  const [name, ...args] = command;
  const { status, error } = spawnSync(name, args, {
    cwd,
    stdio: ['ignore', process.stderr, process.stderr],
    shell: process.platform === 'win32',
  });
  if (status !== 0)
    throw new WorkError(
      `doctor: expected ${command.join(' ')} to succeed in ${cwd}, got ${error?.message ?? `exit code ${String(status)}`}`,
    );
  return true;
}

/** Diagnoses in a new process, because this one knows that the runtime is missing. */
async function again(json: boolean): Promise<void> {
  const { spawnSync } = await import('node:child_process');
  const args = [process.argv[1], 'doctor', ...(json ? ['--json'] : [])];
  process.exitCode = spawnSync(process.execPath, args, { stdio: 'inherit' }).status ?? 1;
}

async function slim(): Promise<void> {
  const { installedFolders } = await import('./doctor/diagnose.js');
  const { findUnused, removeUnused } = await import('./doctor/fix.js');
  const unused = findUnused(installedFolders());
  removeUnused(unused);
  log(
    `removed ${(unused.bytes / 1e6).toFixed(0)} MB in ${unused.paths.length} files and folders: ` +
      'libraries of other platforms, maps of sources (npm ci brings them back)',
  );
}
