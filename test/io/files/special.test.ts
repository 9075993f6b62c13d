import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../../core/errors.js';
import { readClassList } from '../../../datasets/class-list.js';
import { readClassNames } from '../../../datasets/class-names.js';
import { placeImage } from '../../../datasets/convert/place-image.js';
import { imagesBelow, isImageName } from '../../../io/files/images.js';
import { listFiles } from '../../../io/files/list.js';
import { readAnnotations } from '../../../io/coco/annotations.js';
import { readBytes } from '../../../io/files/read.js';
import { readCvat } from '../../../io/cvat/read.js';
import { readOnnxMetadata } from '../../../io/onnx/metadata.js';
import { readYaml } from '../../../io/yaml/read.js';
import { decodeImage } from '../../../io/image/decode.js';
import { readConfigFile } from '../../../train/config/file.js';
import { readRunConfig } from '../../../train/config/run-config.js';
import { readBest } from '../../../weights/checkpoint-folder.js';
import { openWeights } from '../../../weights/open.js';
import { needsLinux, testOnLinux } from '../../helpers/leave-out.js';

/** Pipes block for ever, devices never end: neither is opened for reading by any reader. */

const root = mkdtempSync(join(tmpdir(), 'convnextv2-special-'));
const at = (name: string): string => join(root, name);
let server: Server;
const KINDS: readonly (readonly [string, string])[] = [
  ['a folder', at('folder')],
  ['a named pipe', at('pipe')],
  ['a device', '/dev/zero'],
  ['a socket', at('socket')],
];
beforeAll(async () => {
  mkdirSync(at('folder'));
  execFileSync('mkfifo', [at('pipe')]);
  server = createServer();
  await new Promise<void>((done) => server.listen(at('socket'), done));
});
afterAll(() => {
  server.close();
  rmSync(root, { recursive: true });
});

const READERS: Readonly<Record<string, (file: string) => unknown>> = {
  bytes: readBytes,
  image: decodeImage,
  weights: openWeights,
  annotations: (file) => readAnnotations(file, () => undefined),
  'data.yaml': readYaml,
  configuration: readConfigFile,
  'class names': readClassNames,
  'class list': readClassList,
  CVAT: (file) => readCvat(file, { label: () => undefined, image: () => undefined }),
  'ONNX metadata': readOnnxMetadata,
};

describe.each(Object.entries(READERS))('%s', (name, read) => {
  needsLinux();
  test.each(KINDS)(
    '%s is refused at once',
    async (kind, file) => {
      // A folder as a configuration is a run folder.
      const isRun = name === 'configuration' && kind === 'a folder';
      const failure: unknown = await Promise.resolve()
        .then(() => read(file))
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(InputError);
      expect((failure as Error).message).toContain(file);
      if (!isRun && kind !== 'a socket') expect((failure as Error).message).toContain(kind);
    },
    5000,
  );
});

testOnLinux(
  'files of a run folder that are pipes are refused, too',
  async () => {
    for (const name of ['config.json', 'best.json']) execFileSync('mkfifo', [at(name)]);
    expect(() => readRunConfig(root)).toThrow(InputError);
    await expect(readBest(root)).rejects.toThrow(InputError);
  },
  5000,
);

test('what a file says may be as long as its limit', () => {
  writeFileSync(at('long.txt'), 'a\n'.repeat(2 ** 23 + 1));
  expect(() => readClassList(at('long.txt'))).toThrow(/got 16777218 bytes \(at most 16777216\)/);
});

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
