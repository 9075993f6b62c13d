import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type ConfigError, type ErrorDetails, InUseError, OutputError } from '../core/errors.js';
import { printable } from '../core/printable.js';
import { removeTemporaryFiles, TEMPORARY } from '../io/files/atomic.js';
import { acquireLock, type FileLock } from '../io/files/lock.js';
import { METRICS } from '../io/run-folder.js';
import { CHECKPOINTS } from '../weights/checkpoint-folder.js';
import { RUN_CONFIG } from '../io/files/run-mark.js';
import { readRunConfig } from './config/run-config.js';
import type { TrainOptions } from './options.js';

/** Name of the file in a run folder that names the process that trains there. */
export const RUN_LOCK = 'run.lock';

/** Files of systems and job schedulers, which may be in a new run folder. */
const ALLOWED =
  /^(run\.lock.*|\.\d+-[\da-f]+\.tmp|lost\+found|\.DS_Store|Thumbs\.db|desktop\.ini|.*\.(log|out|err))$/;

type RunFolder = Pick<TrainOptions, 'folder' | 'resume'>;

/**
 * Takes a run folder for this process, until the lock is released.
 *
 * @throws ConfigError if another process trains there, there is nothing to resume, or the folder is one of something else
 */
export async function ownRunFolder(
  options: RunFolder,
  onNotice: (line: string) => void,
): Promise<FileLock> {
  const { folder, resume } = options;
  assertRunFolder(options);
  const lock = await acquireLock(join(folder, RUN_LOCK), {
    what: `train: ${folder}`,
    onNotice,
    refusal: (holder) =>
      new InUseError(
        `folder ${folder}: expected a folder that no other process writes, got one in use by ${holder}; wait for it or stop it; ` +
          `if it is gone, delete ${join(folder, RUN_LOCK)}`,
        { file: join(folder, RUN_LOCK), flags: flagsOf(folder) },
      ),
  });
  try {
    // Another process may have trained there in between.
    assertRunFolder(options);
    removeTemporaryFiles(folder);
    // Records are appended: through a link that leads nowhere they would come into a file elsewhere.
    const records = join(folder, METRICS);
    if (!resume || !existsSync(records)) rmSync(records, { force: true });
  } catch (error) {
    lock.release();
    throw error;
  }
  return lock;
}

/**
 * Checks that the folder is empty, new, or that of a run to resume: an existing run is resumed or kept, never mixed with a
 * new one, and files of others are not overwritten.
 *
 * @throws ConfigError
 */
export function assertRunFolder({ folder, resume }: RunFolder): void {
  const isUsed = hasCheckpoints(join(folder, CHECKPOINTS));
  if (resume && !isUsed)
    throw new OutputError(
      `train: expected a checkpoint in ${folder} to resume from, got none; start the run again without resume`,
      { flags: { 'without resume': 'without --resume' } },
    );
  if (resume) return;
  if (isUsed)
    throw refusal(
      folder,
      'expected an empty or new folder, got one with checkpoints; set resume to go on, or choose another',
    );
  const other = existsSync(folder) && readdirSync(folder).find((name) => !ALLOWED.test(name));
  if (other === false || other === undefined || readRun(folder)) return;
  throw refusal(
    folder,
    `expected an empty, new or run folder, got one with other files (${printable(other)}); choose another`,
  );
}

/** Whether a folder has more than the start of a first checkpoint, whose weights come before its JSON. */
function hasCheckpoints(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const names = new Set(readdirSync(folder));
  const isStart = (name: string): boolean =>
    TEMPORARY.test(name) ||
    (/^step-\d+\.safetensors$/.test(name) && !names.has(name.replace(/safetensors$/, 'json')));
  return [...names].some((name) => !isStart(name));
}

function refusal(folder: string, message: string, details: ErrorDetails = {}): ConfigError {
  return new OutputError(`folder ${folder}: ${message}`, {
    ...details,
    flags: flagsOf(folder),
  });
}

const flagsOf = (folder: string): Readonly<Record<string, string>> => ({
  [`folder ${folder}`]: `--out ${folder}`,
  'set resume': 'add --resume',
});

/** Whether a folder holds a run that ended before its first checkpoint. */
function readRun(folder: string): boolean {
  try {
    return readRunConfig(folder) !== undefined;
  } catch (cause) {
    throw refusal(
      folder,
      `expected an empty, new or run folder, got one with another ${RUN_CONFIG}; choose another`,
      { cause },
    );
  }
}
