import { expect, test } from 'vitest';
import { WeightsError } from '../../../core/errors.js';
import { evaluationResize } from '../../../datasets/transforms/evaluation.js';
import { IMAGENET_PIXELS } from '../../../datasets/transforms/normalize.js';
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
const BACKBONE = { depths: [1, 1, 1, 1], dims: [4, 4, 4, 4], responseNorm: 'grn' };
const CARD = {
  task: 'classify',
  backbone: BACKBONE,
  classNames: ['a', 'b'],
  pixels: IMAGENET_PIXELS,
  resize: evaluationResize(32),
};
const NETWORK = { backbone: BACKBONE, classes: 2, headInitScale: 1 };
const described = (card: object, network: unknown): Uint8Array<ArrayBuffer> =>
  fileOf({ ...FORMAT, card: JSON.stringify(card), network: JSON.stringify(network) });
/** Lists nested so deeply that a recursion would overflow. */
const DEEP = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;

test.each<[string, Uint8Array<ArrayBuffer>, RegExp]>([
  ['no file', new Uint8Array(3), /got 3 bytes that are none or were cut off/],
  ['another safetensors file', fileOf({}), /written by convnextv2 export --web, got another/],
  ['a later format', fileOf({ format: 'x', card: '{}', network: '{}' }), /got format x/],
  ['a damaged card', fileOf({ ...FORMAT, card: '{', network: '{}' }), /expected metadata in JSON/],
  [
    'no card',
    fileOf({ ...FORMAT, card: 'null', network: '{}' }),
    /expected the file of a classifier.*got task undefined/,
  ],
  ['an unknown task', described({ ...CARD, task: 'toString' }, NETWORK), /got task toString/],
  [
    'a network too deep',
    described({ ...CARD, backbone: { ...BACKBONE, depths: [1, 1, 1, 2000] } }, NETWORK),
    /damaged card: backbone\/depths\/3: expected at most 1024, got 2000/,
  ],
  ['no class names', described({ ...CARD, classNames: {} }, NETWORK), /classNames: expected array/],
  [
    'a card of 20,000 levels',
    fileOf({ ...FORMAT, card: `{"task":"classify","x":${DEEP}}`, network: '{}' }),
    /at most 32 levels/,
  ],
  [
    'a huge input',
    described({ ...CARD, resize: { ...CARD.resize, inputSize: 1e6 } }, NETWORK),
    /classifier, got one/,
  ],
  ['no network', described(CARD, null), /damaged description: expected object, got null/],
  [
    'huge channels',
    described(CARD, { ...NETWORK, backbone: { ...BACKBONE, dims: [1e9, 1, 1, 1] } }),
    /backbone\/dims\/0: expected at most/,
  ],
  [
    'other classes',
    described(CARD, { ...NETWORK, classes: 3 }),
    /expected a network of 2 classes, got one of 3/,
  ],
  ['no tensors', described(CARD, NETWORK), /expected tensor "/],
])('%s is refused with its name', (_, bytes, message) => {
  const read = (): unknown => readWebModel(bytes, 'model.safetensors');
  expect(read).toThrow(WeightsError);
  expect(read).toThrow(message);
  expect(read).toThrow('model.safetensors');
});
