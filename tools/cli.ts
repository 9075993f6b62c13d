#!/usr/bin/env node
import module from 'node:module';
import { runProgram } from './program.js';
import { endQuietlyWithReaders } from './output.js';
import { endWithParent, needsRelaunch, relaunch } from './relaunch.js';
import { tellWaits } from './waiting.js';

/**
 * Command line: `convnextv2 <verb>`. Only option tables are loaded here; a verb imports its computation when it runs, so
 * `--help` is fast.
 */
// Node from 22 on keeps the compiled code of libraries in its cache folder.
(module as { enableCompileCache?: () => void }).enableCompileCache?.();
if (needsRelaunch(process.argv[2])) process.exitCode = await relaunch();
else {
  endWithParent();
  endQuietlyWithReaders();
  tellWaits();
  const code = await runProgram(process.argv.slice(2));
  if (code !== undefined) process.exitCode = code;
}
