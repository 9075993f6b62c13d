import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ConfigError, InputError, WorkError } from '../../core/errors.js';
import { exportOnnx } from '../../inference/export/export-onnx.js';
import { open } from '../../inference/open.js';
import { reportError } from '../../tools/failure.js';
import { train } from '../../train/train.js';
import { runInProcess } from '../helpers/in-process.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const { path, put } = temporaryFolder();

/** Messages of functions that are called from code. */
const failure = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(InputError);
  return (error as InputError).message;
};

test('errors of functions name their options, those of commands the flags', async () => {
  const used = path('used');
  mkdirSync(join(used, 'checkpoints'), { recursive: true });
  writeFileSync(join(used, 'checkpoints/step-00000001.json'), '{}');
  const file = await put('file', '');
  const run = { data: path('.') } as const;
  const cases: readonly (readonly [() => Promise<unknown>, readonly string[], string, string])[] = [
    [
      () => train('classify', { ...run, folder: used }),
      ['train', 'classify', '--data', run.data, '--out', used],
      `folder ${used}: expected an empty or new folder, got one with checkpoints; set resume to go on, or choose another`,
      `--out ${used}: expected an empty or new folder, got one with checkpoints; add --resume to go on, or choose another`,
    ],
    [
      () => train('classify', { ...run, folder: file }),
      ['train', 'classify', '--data', run.data, '--out', file],
      `folder ${file}: expected a folder, got the file ${file}`,
      `--out ${file}: expected a folder, got the file ${file}`,
    ],
    [
      () => train('classify', { folder: path('new') }),
      ['train', 'classify', '--out', path('new')],
      'train: expected data, got none',
      'train: expected --data DIR, got none',
    ],
    [
      () => open(file, { task: 'cook' as never }),
      ['eval', file, '--task', 'cook', '--data', run.data],
      'task: expected one of ',
      '--task: expected one of ',
    ],
    [
      () => exportOnnx(file, { out: path('model.pb') }),
      ['export', file, '--out', path('model.pb')],
      `out: expected a name that ends in .onnx, got ${path('model.pb')}`,
      '--out: expected a name that ends in .onnx, got ',
    ],
    [
      () => exportOnnx(file, { out: path('model.onnx'), height: 8 }),
      ['export', file, '--out', path('model.onnx'), '--height', '8'],
      'export: expected whole numbers, batch from 1, height and width from 32, got 1, 8, 32',
      '--height',
    ],
  ];
  for (const [call, args, asOptions, asFlags] of cases) {
    const message = await failure(call());
    expect(message).toContain(asOptions);
    expect(message).not.toMatch(/(^|[ (])--\w/);
    const { code, stderr } = await runInProcess(args);
    expect([code, stderr]).toEqual([2, expect.stringContaining(asFlags)]);
  }
});

test('every part is replaced once, in the order given, and names are not patterns', async () => {
  const printed = async (error: Error): Promise<string> => {
    const { stderr } = await runInProcessThrowing(error);
    return stderr.split('\n')[0]; // the second line names the page of the error
  };
  const flags = { 'folder a$&': '--out a$&', resume: '--resume' };
  const message = 'folder a$&: in use; resume, or resume later';
  const expected = '--out a$&: in use; --resume, or resume later';
  expect(await printed(new ConfigError(message, { flags }))).toBe(`ConfigError: ${expected}`);
  expect(await printed(new WorkError(message, { flags }))).toBe(`WorkError: ${expected}`);
  expect(await printed(new ConfigError(message))).toBe(`ConfigError: ${message}`);
});

/** Output of a command that ends with this error. */
async function runInProcessThrowing(error: Error): Promise<{ readonly stderr: string }> {
  const { runCommand } = await import('../helpers/run-command.mjs');
  return runCommand(['fail'], {
    addVerbs: (program) => {
      program.command('fail').action(() => {
        throw error;
      });
    },
    reportError,
  });
}
