import { expect, test } from 'vitest';
import { encodeLabelPng } from '../../io/png/write.js';
import { dataFolder } from '../helpers/data-folder.js';
import { runInProcess } from '../helpers/in-process.js';

const { at, image, write } = dataFolder();

/** Labels of two images to train on, and of one to validate. */
async function check(...labels: readonly (readonly number[])[]): Promise<string> {
  labels.forEach((values, i) => {
    const part = i < 2 ? 'train' : 'val';
    image(`images/${part}/${i}.png`, 64, 48);
    const data = Uint8Array.from({ length: 64 * 48 }, (_, n) => values[n % values.length]);
    write(`labels/${part}/${i}.png`, encodeLabelPng({ width: 64, height: 48, data }));
  });
  write('classes.txt', 'nothing\nbolt\n');
  const { stdout, code } = await runInProcess(['data', 'check', at('')]);
  return `${code} ${stdout}`;
}

test('pixels of one class alone are nothing to learn, with or without ignored ones', async () => {
  expect(await check([0], [0], [0, 1])).toMatch(
    /^2 [^]*1 x untrainable[^]*expected pixels of at least two classes, got one \("nothing"\)\n/,
  );
  expect(await check([0, 255], [0], [0, 1])).toMatch(
    /^2 [^]*at least two classes, got one \("nothing"\); 25\.0 % of the pixels are 255, which does not count; if 255 is the object, write 1/,
  );
  expect(await check([0], [1], [0, 1])).toMatch(/^0 /);
});
