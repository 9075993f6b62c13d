import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadClassifier } from '../../inference/classify/load.js';
import { convertModel } from '../../inference/convert.js';
import { inspectWeights } from '../../inference/inspect.js';
import { verifyModel } from '../../inference/summary.js';
import { openWeights, withWeights } from '../../weights/open.js';
import { zip } from '../io/torch/torch-file.js';
import { maxError } from '../helpers/fixtures.js';
import { seededTensor } from '../helpers/seeded-tensors.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';

const FOLDER = join(import.meta.dirname, '../fixtures/published/containers');
const { path, put } = temporaryFolder();

const FILES: readonly (readonly [name: string, container: string, prefix: string])[] = [
  ['scripted.pt', 'torch-zip', ''],
  ['traced.pt', 'torch-zip', ''],
  ['arrays.npz', 'numpy', ''],
  ['dict.npy', 'numpy', 'model.'],
  ['arrays.pth', 'torch-zip', 'state_dict.'],
  ['protocol2.pkl', 'pickle', 'model.'],
  ['protocol5.pkl', 'pickle', ''],
];

test.each(FILES)('%s has the tensors that were saved', async (name, container, prefix) => {
  const file = join(FOLDER, name);
  await withWeights(file, async ({ tensors, container: got }) => {
    expect(got).toBe(container);
    expect(tensors.size).toBe(60);
    for (const [path, tensor] of tensors) {
      expect(path.startsWith(prefix)).toBe(true);
      const expected = seededTensor(path.slice(prefix.length), tensor.shape);
      expect(maxError((await tensor.read()) as Float32Array, expected), path).toBeLessThan(1e-7);
    }
  });
  const { title, numParameters } = await verifyModel(file);
  expect(title).toBe('ConvNeXt V2 (no published size), 3 classes');
  expect(numParameters).toBe(1977);
  const { store } = await loadClassifier(file);
  const head = seededTensor('head.fc.bias', [3]);
  expect(maxError(store.get('head.bias'), head)).toBeLessThan(1e-7);
});

test('arrays convert to safetensors of the same values', async () => {
  const out = path('out.safetensors');
  await convertModel(join(FOLDER, 'arrays.npz'), out, { scheme: 'timm', timmConvMlp: false });
  const source = await openWeights(out);
  for (const [name, tensor] of source.tensors)
    expect(maxError((await tensor.read()) as Float32Array, seededTensor(name, tensor.shape))).toBeLessThan(1e-7); // prettier-ignore
  await source.close();
});

test('values that are no weights stay beside them', async () => {
  expect(await inspectWeights(join(FOLDER, 'arrays.pth'))).toMatchObject({
    plain: { best: 'numpy.ndarray' },
  });
  expect(await inspectWeights(join(FOLDER, 'protocol2.pkl'))).toMatchObject({
    plain: { history: [1.5] },
  });
});

test.each([
  ['frozen.pt', 'got a frozen TorchScript program, which has none'],
  ['tensors.pkl', 'got tensors in a pickle (save them with torch.save)'],
])('%s is refused with what to do', async (name, message) => {
  await expect(openWeights(join(FOLDER, name))).rejects.toThrow(message);
});

const npy = (header: string, data = new Uint8Array(8)): Uint8Array => {
  const size = Buffer.alloc(2);
  size.writeUInt16LE(header.length);
  return Buffer.concat([
    Buffer.from('\x93NUMPY\x01\x00', 'latin1'),
    size,
    Buffer.from(header),
    data,
  ]);
};
const HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";

test.each<[string, Uint8Array, string]>([
  ['a header that is cut', npy(HEADER).subarray(0, 30), 'expected a NumPy array, got a header of'],
  [
    'fields',
    npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,), }\n"),
    'got one with fields',
  ],
  ['too few values', npy(HEADER.replace('(2,)', '(3,)')), 'expected a storage of 12 bytes, got 8'],
  [
    'too many axes of too large sizes',
    npy(HEADER.replace('(2,)', '(99999999999, 99999999999)')),
    'got too large a one',
  ],
  [
    'objects that are no pickle',
    npy(HEADER.replace('<f4', '|O')),
    'expected an opcode of plain data',
  ],
])('an array with %s is refused', async (title, bytes, message) => {
  const file = await put(`${title}.npy`, bytes);
  await expect(openWeights(file)).rejects.toThrow(message);
});

test('an archive with two arrays of one name is refused, because readers differ in which one they take', async () => {
  const entry = { name: 'stem.0.weight.npy', data: npy(HEADER) };
  const file = await put('twice.npz', zip([entry, { ...entry, name: 'other.npy' }, entry]));
  await expect(openWeights(file)).rejects.toThrow('expected array "stem.0.weight" once');
});

test('an archive of arrays of which one is damaged is refused by its checksum', async () => {
  const entries = ['stem.0.weight.npy', 'stem.0.bias.npy'].map((name) => ({
    name,
    data: npy(HEADER),
  }));
  const bytes = zip(entries);
  const file = await put('damaged.npz', bytes);
  await withWeights(file, async ({ check }) => {
    await check?.();
  });
  const at = Buffer.from(bytes).indexOf('(2,)');
  bytes[at + 10] ^= 1;
  const broken = await put('broken.npz', bytes);
  await expect(
    withWeights(broken, async (source) => {
      await source.check?.();
      for (const tensor of source.tensors.values()) await tensor.read();
    }),
  ).rejects.toThrow(/CRC-32/);
});
