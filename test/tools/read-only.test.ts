import { fork, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SHAPES_DEFAULTS, writeShapes } from '../../datasets/shapes/write.js';
import type { CliResult } from '../helpers/cli.js';
import { SMALL_RECIPES } from '../helpers/small-recipes.js';
import { writeTinyClasses } from '../helpers/tiny-classes.js';

/*
 * Root may write whatever the permissions say, and tests often run as root. So commands run as `nobody` then, who is refused as
 * any user is; and whoever runs them, folders are compared entry by entry, with the times that change when something is made in
 * them and removed again.
 */
const PROGRAM = resolve(import.meta.dirname, '../helpers/command-process.mjs');
const NOBODY = 65534;

const root = mkdtempSync(join(tmpdir(), 'convnextv2-read-only-'));
const shapes = join(root, 'shapes');
const classes = writeTinyClasses({ classes: 3, perClass: 2 });
const work = join(root, 'work');
const DATA = { classify: classes, detect: shapes, segment: join(shapes, 'segment.yaml') };
let program: ChildProcess | undefined;
let user: { readonly uid?: number; readonly gid?: number } = {};
/** Whether permissions bind the user that commands run as. */
let isBound = process.getuid?.() !== 0;

/** A process of the user, if it may read the program. */
async function start(): Promise<ChildProcess | undefined> {
  const child = fork(PROGRAM, [], {
    cwd: work,
    env: { ...process.env, HOME: work },
    stdio: 'ignore',
    ...user,
  });
  return new Promise((done) => {
    child.once('message', () => done(child));
    child.once('exit', () => done(undefined));
  });
}

async function run(...args: readonly string[]): Promise<CliResult> {
  const answer = once(program!, 'message');
  program!.send(args);
  return ((await answer) as [CliResult])[0];
}

/** A folder of the one who runs the commands. */
function folderOfUser(name: string): string {
  const folder = join(work, name);
  mkdirSync(folder);
  if (user.uid !== undefined) chownSync(folder, NOBODY, NOBODY);
  return folder;
}

function entries(folder: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return ['', ...names].sort();
}

/** Content of a folder: names, sizes, permissions, and when each was changed. */
function stateOf(folder: string): readonly string[] {
  return entries(folder).map((name) => {
    const { size, mode, mtimeMs, ctimeMs } = lstatSync(join(folder, name));
    return [name, size, mode, mtimeMs, ctimeMs].join(' ');
  });
}

function setWritable(folder: string, isWritable: boolean): void {
  for (const name of entries(folder)) {
    const path = join(folder, name);
    const entry = lstatSync(path);
    const readable = entry.isDirectory() ? 0o555 : 0o444; // by nobody, too
    chmodSync(path, isWritable ? readable | 0o222 : readable);
  }
}

beforeAll(async () => {
  await writeShapes(shapes, {
    ...SHAPES_DEFAULTS,
    train: 2,
    val: 2,
    width: 64,
    height: 64,
    minObjects: 1,
    maxObjects: 4,
    labels: true,
  });
  [shapes, classes].forEach((folder) => setWritable(folder, false));
  for (const folder of [root, classes]) chmodSync(folder, 0o755);
  mkdirSync(work);
  if (!isBound) {
    user = { uid: NOBODY, gid: NOBODY };
    chownSync(work, NOBODY, NOBODY);
    program = await start();
    isBound = program !== undefined;
    if (!isBound) {
      console.log(
        `runs as root, since nobody may not read ${PROGRAM}: only what folders hold is compared`,
      );
      user = {};
    }
  }
  program ??= await start();
  expect(program).toBeDefined();
});
afterAll(() => {
  program?.kill();
  for (const folder of [root, classes]) {
    setWritable(folder, true);
    rmSync(folder, { recursive: true });
  }
});

test.each(['classify', 'detect', 'segment'] as const)(
  'data that may not be written is trained on, scored and predicted, and left as it was: %s',
  async (task) => {
    const folders = [shapes, classes];
    const before = folders.map(stateOf);
    if (isBound) {
      const probe = 'require("fs").writeFileSync(process.argv[1], "")';
      const args = ['-e', probe, join(folders[0], 'x')];
      expect(spawnSync(process.execPath, args, { cwd: work, ...user }).status).not.toBe(0);
    }
    const { recipe, settings } = SMALL_RECIPES[task];
    const data = DATA[task];
    const out = join(work, task);
    const sets = [...settings, 'batchSize=2', 'accumulation=1', 'workers=1'];
    const commands = [
      [
        'train',
        recipe,
        '--data',
        data,
        '--out',
        out,
        '--steps',
        '1',
        ...sets.flatMap((s) => ['--set', s]),
      ],
      ['eval', out, '--data', data, '--out', join(work, `${task}-scores`)],
      [
        'predict',
        out,
        task === 'classify' ? join(data, 'val/class0') : join(shapes, 'val'),
        '--out',
        join(work, `${task}-found`),
      ],
    ];
    for (const command of commands) {
      const { code, stderr } = await run(...command);
      expect(code, `${command[0]}: ${stderr}`).toBe(0);
    }
    expect(existsSync(join(out, 'report.html'))).toBe(true);
    expect(folders.map(stateOf)).toEqual(before);
  },
  120_000,
);

test('data that may not be read is named, and is not taken for a run folder that may not be written', async () => {
  if (!isBound) return expect(user).toEqual({}); // root is not refused: said above
  const folder = folderOfUser('unreadable');
  chmodSync(folder, 0o300);
  const out = join(work, 'none');
  const { code, stderr } = await run(
    'train',
    'classify',
    '--data',
    folder,
    '--out',
    out,
    '--steps',
    '1',
  );
  expect(stderr).toMatch(
    /^DataError: \S+unreadable\S*: expected a file or folder that can be read, got EACCES.*$/m,
  );
  expect(code).toBe(2);
  expect(existsSync(out)).toBe(false);
});

describe('a folder for results that may not be written', () => {
  const locked = (): string => {
    const folder = folderOfUser('locked');
    writeFileSync(join(folder, 'kept.txt'), 'what was there before');
    chmodSync(folder, 0o555);
    return folder;
  };
  let folder: string;
  beforeAll(() => (folder = locked()));

  test.each([
    ['train', () => ['classify', '--data', classes, '--out', folder, '--steps', '1']],
    ['train', () => ['classify', '--data', classes, '--out', join(folder, 'run'), '--steps', '1']],
    ['eval', () => [join(work, 'classify'), '--data', classes, '--out', folder]],
    [
      'predict',
      () => [join(work, 'classify'), join(classes, 'val/class0'), '--out', join(folder, 'new')],
    ],
    ['export', () => [join(work, 'classify'), '--out', join(folder, 'model.onnx')]],
  ] as const)('is refused before any work: %s', async (verb, args) => {
    if (!isBound) return expect(user).toEqual({}); // root is not refused: said above
    const before = stateOf(folder);
    const { code, stdout, stderr } = await run(verb, ...args());
    expect(stderr).toMatch(
      /^ConfigError: --out \S+locked\S*: expected a folder that can be written, got EACCES.*$/m,
    );
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stateOf(folder)).toEqual(before);
  });

  test('a run that is resumed there keeps its checkpoints, and goes on once it may', async () => {
    if (!isBound) return expect(user).toEqual({});
    const trained = join(work, 'classify');
    const resume = [
      'train',
      'classify',
      '--out',
      trained,
      '--resume',
      '--steps',
      '2',
      '--no-report',
    ];
    const before = readFileSync(join(trained, 'checkpoints/step-00000001.safetensors'));
    setWritable(trained, false);
    const state = stateOf(trained);
    const refused = await run(...resume);
    expect(refused.stderr).toMatch(/^ConfigError: --out .*expected a folder that can be written/m);
    expect(refused.code).toBe(2);
    expect(stateOf(trained)).toEqual(state);
    setWritable(trained, true);
    const { code, stderr } = await run(...resume);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain('resuming at step 1');
    expect(
      readFileSync(join(trained, 'checkpoints/step-00000001.safetensors')).equals(before),
    ).toBe(true);
  }, 120_000);
});
