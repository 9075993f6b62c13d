import { stayAfterHangUp } from './hang-up.js';
import { endQuietlyWithReaders } from './output.js';
import { runProgram } from './program.js';
import { tellWaits } from './waiting.js';

/** Runs a command line in this process, for a person: it says what it waits for, and a reader that ends is no error. */
export async function startProgram(args: readonly string[]): Promise<void> {
  endQuietlyWithReaders();
  stayAfterHangUp();
  tellWaits();
  const code = await runProgram(args);
  if (code !== undefined) process.exitCode = code;
}
