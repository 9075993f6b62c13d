#!/usr/bin/env node
import module from 'node:module';
import { disableTelemetry } from '../core/telemetry.js';
import { endWithParent, needsRelaunch, relaunch } from './relaunch.js';

/**
 * Command line: `convnextv2 <verb>`. Only option tables are loaded here; a verb imports its computation when it runs, so
 * `--help` is fast. A process that only starts another one does not even load the tables.
 */
// Node from 22 on keeps the compiled code of libraries in its cache folder.
(module as { enableCompileCache?: () => void }).enableCompileCache?.();
disableTelemetry();
if (needsRelaunch(process.argv[2])) process.exitCode = await relaunch();
else {
  endWithParent();
  const { startProgram } = await import('./start-program.js');
  await startProgram(process.argv.slice(2));
}
