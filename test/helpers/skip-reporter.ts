import type { Reporter, TestModule, Vitest } from 'vitest/node';

/**
 * Counts at the end of a run the tests that were left out, by reason. One left out without a reason fails the run, so that no test
 * vanishes by a slip; runs of chosen titles (`-t`) leave out the others.
 */
export class SkipReporter implements Reporter {
  private vitest: Vitest | undefined;

  onInit(vitest: Vitest): void {
    this.vitest = vitest;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    const unexplained: string[] = [];
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const result = test.result();
        const note = result.state === 'skipped' ? result.note : undefined;
        if (note === undefined) unexplained.push(`${module.relativeModuleId}: ${test.fullName}`);
        else counts.set(note, (counts.get(note) ?? 0) + 1);
      }
    }
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    const { logger, config } = this.vitest!;
    const reasons = [...counts].map(([reason, count]) => `${reason} × ${count}`);
    logger.log(`${total} tests left out${total > 0 ? `: ${reasons.join('; ')}` : ''}`);
    if (unexplained.length === 0 || config.testNamePattern !== undefined) return;
    logger.error(`left out without a reason:\n  ${unexplained.join('\n  ')}`);
    process.exitCode = 1;
  }
}
