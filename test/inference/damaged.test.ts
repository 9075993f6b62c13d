import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { WeightsError } from '../../core/errors.js';
import { open } from '../../inference/open.js';
import { openModel } from '../../tools/open-model.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { saveSmallModels, type SmallModels } from '../serve/small-models.js';

/** The checksum of a checkpoint is computed while its weights are read already: no result may be given before it is known. */

const { path } = temporaryFolder();
let numFolders = 0;
let runs: SmallModels;
beforeEach(async () => {
  runs = await saveSmallModels(path(String(numFolders++)));
});

const DAMAGES: readonly (readonly [string, (bytes: Buffer) => void])[] = [
  ['one bit of a value', (bytes) => (bytes[bytes.length - 3] ^= 1)],
  ['a value that is not finite', (bytes) => bytes.writeFloatLE(NaN, bytes.length - 4)],
  ['the header', (bytes) => bytes.write('{{{{', 8)],
  ['the length of the header', (bytes) => bytes.writeUInt8(255, 6)],
];

/** Opens a model as commands do, and predicts an image. */
async function predicted(source: string): Promise<unknown> {
  const model = await openModel(source, { engine: {} }, 1);
  const image = { width: 8, height: 8, channels: 3, data: new Uint8Array(192) } as const;
  return model.predict(image).finally(() => model.release());
}

describe.each(['classify', 'detect', 'segment'] as const)('%s', (task) => {
  test.each(DAMAGES)(
    '%s: the checksum is named, however the model is opened',
    async (_, damage) => {
      const folder = join(runs[task], 'checkpoints');
      const name = readdirSync(folder).find((file) => file.endsWith('.safetensors')) ?? '';
      const file = join(folder, name);
      const best = { name: name.replace('.safetensors', ''), metric: 'top1', value: 0.5 };
      writeFileSync(join(folder, 'best.json'), JSON.stringify(best));
      const model = await open(runs[task]);
      await model.release();
      const bytes = readFileSync(file);
      damage(bytes);
      writeFileSync(file, bytes);
      for (const source of [runs[task], file]) {
        const opening = open(source);
        await expect(opening).rejects.toThrow(/expected crc32 \w{8}, got \w{8}/);
        await expect(opening).rejects.toBeInstanceOf(WeightsError);
        // The command line reads images meanwhile.
        await expect(predicted(source)).rejects.toBeInstanceOf(WeightsError);
      }
    },
  );
});
