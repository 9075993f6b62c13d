#!/usr/bin/env node
import { runProgram } from './program.js';
import { endQuietlyWithReaders } from './output.js';
import { endWithParent, needsRelaunch, relaunch } from './relaunch.js';

/**
 * Command line: `convnextv2 <verb>`. Only option tables are loaded here; a verb imports its computation when it runs, so
 * `--help` is fast.
 */
if (needsRelaunch(process.argv[2])) process.exitCode = await relaunch();
else {
  endWithParent();
  endQuietlyWithReaders();
  const code = await runProgram(process.argv.slice(2));
  if (code !== undefined) process.exitCode = code;
}
