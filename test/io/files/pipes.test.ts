import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { placeImage } from '../../../datasets/convert/place-image.js';
import { imagesBelow, isImageName } from '../../../io/files/images.js';
import { listFiles } from '../../../io/files/list.js';
import { needsLinux } from '../../helpers/leave-out.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const { path: at } = temporaryFolder();

describe('a folder with pipes', () => {
  needsLinux();
  const folder = (): string => at('mixed');
  beforeAll(() => {
    mkdirSync(folder());
    writeFileSync(join(folder(), 'a.jpg'), 'a file');
    execFileSync('mkfifo', [join(folder(), 'pipe.jpg')]);
    symlinkSync('pipe.jpg', join(folder(), 'to-pipe.jpg'));
    symlinkSync('/dev/zero', join(folder(), 'to-device.jpg'));
    symlinkSync('a.jpg', join(folder(), 'to-file.jpg'));
  });

  // A link to a file that is listed is not listed again.
  test('has them neither among its images nor in lists of files, but among the others', () => {
    const { images, others } = imagesBelow(folder());
    const names = (files: readonly string[]): readonly string[] =>
      files.map((file) => basename(file));
    expect(names(images)).toEqual(['a.jpg']);
    expect(names(others)).toEqual(['pipe.jpg', 'to-device.jpg', 'to-pipe.jpg']);
    expect(listFiles(folder(), isImageName)).toEqual(['a.jpg', 'to-file.jpg']);
  });

  test.each(['copy', 'link'] as const)('a pipe is refused as an image to %s', async (how) => {
    const placing = placeImage(join(folder(), 'pipe.jpg'), at('placed.jpg'), how);
    await expect(placing).rejects.toThrow('expected a readable file, got a named pipe');
    expect(existsSync(at('placed.jpg'))).toBe(false);
  });
});
