import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { assertRunFolder, ownRunFolder } from '../../train/own-folder.js';

const root = mkdtempSync(join(tmpdir(), 'convnextv2-own-'));
afterAll(() => rmSync(root, { recursive: true }));

/** Run folder whose checkpoints have these files. */
function runWith(name: string, ...files: readonly string[]): string {
  const folder = join(root, name);
  mkdirSync(join(folder, 'checkpoints'), { recursive: true });
  writeFileSync(join(folder, 'run.log'), '');
  for (const file of files) writeFileSync(join(folder, 'checkpoints', file), '');
  return folder;
}

describe('the folder of a run', () => {
  test('that was killed while it wrote its first checkpoint can be used again, not resumed', () => {
    const starts = [
      [],
      ['.4711-0a1b2c3d4e5f.tmp'],
      ['step-00000004.safetensors'],
      ['step-00000004.safetensors', '.4711-0a1b2c3d4e5f.tmp'],
    ];
    starts.forEach((files, i) => {
      const folder = runWith(`start-${i}`, ...files);
      expect(() => assertRunFolder({ folder, resume: true })).toThrow(
        /got none; start the run again/,
      );
      // Only the missing config.json is against it.
      expect(() => assertRunFolder({ folder })).toThrow(/got one with other files \(checkpoints\)/);
    });
  });

  test('with a checkpoint is resumed, not used again', () => {
    const whole = ['step-00000004.safetensors', 'step-00000004.json'];
    for (const files of [whole, [...whole, 'step-00000008.safetensors'], ['best.json']]) {
      const folder = runWith(`used-${files.length}`, ...files);
      expect(() => assertRunFolder({ folder })).toThrow(/got one with checkpoints/);
      expect(() => assertRunFolder({ folder, resume: true })).not.toThrow();
    }
  });

  test('has no records that lead to a new file elsewhere', async () => {
    const folder = runWith('linked', 'step-00000004.safetensors', 'step-00000004.json');
    symlinkSync(join(root, 'elsewhere'), join(folder, 'metrics.jsonl'));
    const lock = await ownRunFolder({ folder, resume: true }, () => undefined);
    lock.release();
    expect(readdirSync(folder).sort()).toEqual(['checkpoints', 'run.log']);
  });
});
