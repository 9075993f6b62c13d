import { open, truncate } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { openTorchLegacy } from '../../../io/torch/legacy.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import {
  bytes,
  dict,
  floats,
  int,
  pickle,
  tensor,
  text,
  torchLegacy,
  tuple,
  u64,
} from './torch-file.js';

const { put, path } = temporaryFolder();

async function read(file: string): Promise<Record<string, unknown>> {
  const source = await openTorchLegacy(file);
  try {
    const values: Record<string, unknown> = {};
    for (const [name, value] of source.tensors) values[name] = await value.read();
    return values;
  } finally {
    await source.close();
  }
}

const storage = { key: 'k', numel: 4, strides: [1] };

test('storages follow the pickles in the order of their keys', async () => {
  const value = dict({
    a: tensor({ ...storage, shape: [2], offset: 1 }),
    b: tensor({ key: 'i', type: 'Long', numel: 1, shape: [], strides: [] }),
  });
  const data = new Uint8Array(BigInt64Array.of(12345678901n).buffer);
  const file = torchLegacy(value, [
    ['i', 1, data],
    ['k', 4, floats(1, 2, 3, 4)],
  ]);
  expect(await read(await put('a.pt', file))).toEqual({
    a: Float32Array.of(2, 3),
    b: BigInt64Array.of(12345678901n),
  });
});

test('a storage that is part of another begins at its offset', async () => {
  const view = tuple(text('v'), int(1), int(3));
  const value = dict({ a: tensor({ ...storage, shape: [2], offset: 1, view }) });
  const file = await put('view.pt', torchLegacy(value, [['k', 4, floats(1, 2, 3, 4)]]));
  expect(await read(file)).toEqual({ a: Float32Array.of(3, 4) });
  const outside = dict({
    a: tensor({ ...storage, shape: [2], view: tuple(text('v'), int(2), int(3)) }),
  });
  const wrong = await put('outside.pt', torchLegacy(outside, [['k', 4, floats(1, 2, 3, 4)]]));
  await expect(read(wrong)).rejects.toThrow('expected the view of a storage to lie inside it');
});

test('pickles longer than the first window are read', async () => {
  const value = dict({ note: text('x'.repeat(1_500_000)), a: tensor({ ...storage, shape: [4] }) });
  const file = await put('long.pt', torchLegacy(value, [['k', 4, floats(1, 2, 3, 4)]]));
  expect(await read(file)).toEqual({ a: Float32Array.of(1, 2, 3, 4) });
});

test('a storage beyond 2 GiB is read by its range', async () => {
  const numel = 2 ** 31 + 2 ** 28;
  const value = dict({
    filler: tensor({ key: 'f', type: 'Byte', numel, shape: [1], strides: [1] }),
    a: tensor({ ...storage, shape: [2], offset: 2 }),
  });
  const head = torchLegacy(value, [
    ['f', numel, bytes()],
    ['k', 4, bytes()],
  ]).slice(0, -8);
  const file = await put('large.pt', head);
  await truncate(file, head.length + numel); // sparse: takes no room on disk
  const tail = bytes(u64(4), floats(1, 2, 3, 4));
  const handle = await open(file, 'r+');
  await handle.write(tail, 0, tail.length, head.length + numel);
  await handle.close();
  expect(await read(path('large.pt'))).toEqual({
    filler: Uint8Array.of(0),
    a: Float32Array.of(3, 4),
  });
  await truncate(file, 0);
});

const value = dict({ a: tensor({ ...storage, shape: [4] }) });
const sound = torchLegacy(value, [['k', 4, floats(1, 2, 3, 4)]]);

test.each<[string, Uint8Array, RegExp]>([
  [
    'cut inside the data',
    sound.slice(0, -3),
    /storage k to end at byte \d+, got a file of \d+ \(truncated\)/,
  ],
  ['cut inside the pickles', sound.slice(0, 100), /expected \d+ bytes at byte \d+ of the pickle/],
  [
    'with another count',
    torchLegacy(value, [['k', 5, floats(1, 2, 3, 4, 5)]]),
    /expected 4 elements in storage k, got 5/,
  ],
  ['with a count of 2^63', torchLegacy(value, [['k', 2 ** 62, floats(1)]]), /expected 4 elements/],
  ['without the storage', torchLegacy(value, []), /expected storage k in the file, got none/],
  [
    'with a storage twice',
    torchLegacy(value, [
      ['k', 4, floats(1, 2, 3, 4)],
      ['k', 4, floats(1, 2, 3, 4)],
    ]),
    /storage k once, got it twice/,
  ],
  [
    'with an unused storage',
    torchLegacy(value, [
      ['k', 4, floats(1, 2, 3, 4)],
      ['z', 1, floats(1)],
    ]),
    /storage z to be used/,
  ],
  [
    'of another kind',
    pickle(dict({ a: int(1) })),
    /expected a torch file, got a pickle of another kind/,
  ],
  [
    'of a later protocol',
    bytes(sound.slice(0, 15), pickle(int(1002))),
    /expected torch protocol 1001, got 1002/,
  ],
])('a file %s is an error', async (_, data, message) => {
  await expect(read(await put('bad.pt', data))).rejects.toThrow(message);
});
