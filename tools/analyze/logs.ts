import type { Command } from 'commander';
import { formatTable, log, printJson } from '../output.js';

interface Flags {
  readonly out?: string;
  readonly json?: boolean;
}

/** `convnextv2 analyze logs` */
export function registerLogs(analyze: Command): void {
  analyze
    .command('logs')
    .description('compare runs: curves, best scores, settings that differ')
    .argument('<runs...>', 'run folders')
    .option('--out <file>', 'write the comparison as an HTML page')
    .option('--json', 'print one JSON document')
    .action((runs: readonly string[], flags: Flags) => compare(runs, flags));
}

async function compare(folders: readonly string[], { out, json }: Flags): Promise<void> {
  const { compareRuns, comparisonTable, writeComparison } =
    await import('../../report/compare-runs.js');
  const { writeReport } = await import('../../report/run-report.js');
  const comparison = compareRuns(folders);
  const { runs, differences } = comparison;
  // A run that is still training or was killed has no report yet.
  for (const folder of folders) log(`report: ${writeReport(folder)}`);
  if (json) {
    printJson({
      runs: runs.map(({ name, step, epoch, loss, imagesPerSecond, best }) => ({
        name,
        step,
        epoch,
        loss,
        imagesPerSecond,
        best,
      })),
      differences,
    });
  } else {
    const { columns, rows } = comparisonTable(comparison);
    console.log(formatTable([columns, ...rows.map((row) => row.map((cell) => cell ?? ''))]));
    if (differences.length > 0) {
      console.log('\nsettings that differ');
      const lines = differences.map(({ path, values }) => [path, ...values]);
      console.log(formatTable([['', ...runs.map(({ name }) => name)], ...lines]));
    }
  }
  if (out !== undefined) {
    writeComparison(out, comparison);
    log(`comparison: ${out}`);
  }
}
