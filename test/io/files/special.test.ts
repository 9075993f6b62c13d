import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InputError } from '../../../core/errors.js';
import { readClassList } from '../../../datasets/class-list.js';
import { readClassNames } from '../../../datasets/class-names.js';
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
