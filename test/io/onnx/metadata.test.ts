import { expect, test } from 'vitest';
import { FileError } from '../../../core/errors.js';
import { readOnnxMetadata } from '../../../io/onnx/metadata.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const { put } = temporaryFolder();

/** `metadata_props` of a key and value of less than 128 bytes. */
function entry(key: string, value: string): Buffer {
  const [k, v] = [key, value].map((text) => Buffer.from(text));
  const fields = [Buffer.of(0x0a, k.length), k, Buffer.of(0x12, v.length), v];
  return Buffer.concat([Buffer.of(0x72, k.length + v.length + 4), ...fields]);
}

test('millions of small fields are read in pieces, with the texts between them', async () => {
  const small = Buffer.alloc(4_000_000, Buffer.of(0x08, 0x00));
  const long = Buffer.concat([Buffer.of(0x3a, 0xa0, 0x8d, 0x06), Buffer.alloc(100_000)]);
  const parts = [entry('a', 'one'), small, entry('b', 'two'), long, entry('c', 'three')];
  const file = await put('many.onnx', Buffer.concat(parts));
  expect(await readOnnxMetadata(file)).toEqual({ a: 'one', b: 'two', c: 'three' });
}, 5000);

test('texts beyond the limit and fields beyond the file are refused', async () => {
  const many = await put('texts.onnx', Buffer.alloc(400_000, Buffer.of(0x72, 0x00)));
  await expect(readOnnxMetadata(many)).rejects.toThrow(/at most 67108864 bytes of texts/);
  const cut = await put('cut.onnx', entry('a', 'one').subarray(0, 6));
  await expect(readOnnxMetadata(cut)).rejects.toThrow(FileError);
  // A length of 2⁶³ − 1.
  const huge = await put('huge.onnx', Buffer.from('72ffffffffffffffff7f', 'hex'));
  await expect(readOnnxMetadata(huge)).rejects.toThrow('damaged');
});
