import { expect, test } from 'vitest';
import { WeightsError } from '../../../core/errors.js';
import { readWebModel } from '../../../inference/web/read.js';

/** A safetensors file without tensors. */
function fileOf(metadata: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(JSON.stringify({ __metadata__: metadata }));
  const bytes = new Uint8Array(8 + header.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  return bytes;
}

const FORMAT = { format: 'convnextv2-web-1' };

test.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
  ['no file', new Uint8Array(3), /got 3 bytes that are none or were cut off/],
  ['another safetensors file', fileOf({}), /written by convnextv2 export --web, got another/],
  ['a later format', fileOf({ format: 'x', card: '{}', network: '{}' }), /got format x/],
  ['a damaged card', fileOf({ ...FORMAT, card: '{', network: '{}' }), /expected metadata in JSON/],
])('%s is refused with its name', (_, bytes, message) => {
  const read = (): unknown => readWebModel(bytes, 'model.safetensors');
  expect(read).toThrow(WeightsError);
  expect(read).toThrow(message);
  expect(read).toThrow('model.safetensors');
});
