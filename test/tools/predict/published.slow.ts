import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../../core/random.js';
import { numElements } from '../../../core/shape.js';
import { decodeImage } from '../../../io/image/decode.js';
import { writeSafetensors } from '../../../io/safetensors/write.js';
import { resolveModelName } from '../../../weights/model-name.js';
import { cliAsync } from '../../helpers/cli-async.js';
import { publishedTensors } from '../../helpers/published-tensors.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';

const PHOTO = join(import.meta.dirname, '../../fixtures/small/preprocess_q90_420.jpg');
const { path } = temporaryFolder();
const requests: string[] = [];
const SEGMENTER = 'upernet.convnext_tiny_ade20k';
/** Names, sizes as they are shown, and files. */
const DETECTORS = [
  ['mask-rcnn.convnext_tiny_coco', '192 MB', 'mask_rcnn_convnext_tiny_1k_3x.pth'],
  ['cascade-mask-rcnn.convnext_tiny_coco', '344 MB', 'cascade_mask_rcnn_convnext_tiny_1k_3x.pth'],
] as const;
let server: Server;
let mirror: string;

/** The hub's names of a segmenter's tensors. @see transformers, models/upernet and models/convnext */
function hubName(name: string): string {
  return name
    .replace(/downsample_layers\.0\.0\./, 'embeddings.patch_embeddings.')
    .replace(/downsample_layers\.0\.1\./, 'embeddings.layernorm.')
    .replace(/downsample_layers\.(\d)\.(\d)/, 'encoder.stages.$1.downsampling_layer.$2')
    .replace(/stages\.(\d)\.(\d+)\.(?=[dnpg])/, 'encoder.stages.$1.layers.$2.')
    .replace(/layers\.(\d+)\.norm\./, 'layers.$1.layernorm.')
    .replace(/\.gamma$/, '.layer_scale_parameter')
    .replace(
      /^backbone\.norm(\d)/,
      (_, stage) => `backbone.hidden_states_norms.stage${Number(stage) + 1}`,
    )
    .replace(/\.bn\./, '.batch_norm.')
    .replace('.conv_seg.', '.classifier.');
}

/**
 * A file with the names and shapes of a published network and random values: weights with the variance of their inputs,
 * unit norms, and a bias for the first class, so that the detector sees it everywhere.
 */
async function writePublished(
  name: string,
  renamed: (path: string) => string = (path) => path,
): Promise<string> {
  const random = new Random(7);
  const tensors = [...publishedTensors(resolveModelName(name))].map(([path, shape]) => {
    const data = new Float32Array(numElements(shape));
    const isNorm = /(norm\d?|\.0|\.1|bn)\.(weight|running_var)$/.test(path) && shape.length === 1;
    const fanIn = shape.length > 1 ? numElements(shape.slice(1)) : 1;
    if (isNorm || path.endsWith('.gamma')) data.fill(path.endsWith('.gamma') ? 0.1 : 1);
    else if (shape.length > 1)
      for (let i = 0; i < data.length; i++) data[i] = random.normal() / Math.sqrt(fanIn);
    if (path.endsWith('fc_cls.bias')) data[0] = 8;
    if (/fc_(cls|reg)\.weight$/.test(path)) for (let i = 0; i < data.length; i++) data[i] *= 0.05;
    return { name: renamed(path), dtype: 'F32' as const, shape, data };
  });
  const file = path(`${name}.safetensors`);
  await writeSafetensors(file, tensors);
  return file;
}

beforeAll(async () => {
  const files = new Map<string, string>();
  const serve = async (name: string, renamed?: (path: string) => string): Promise<void> => {
    const file = await writePublished(name, renamed);
    files.set(new URL(resolveModelName(name).url).pathname, file);
  };
  for (const [name] of DETECTORS) await serve(name);
  for (const name of [SEGMENTER, `${SEGMENTER}_openmmlab`]) await serve(name);
  await serve(`${SEGMENTER}_hf`, hubName);
  server = createServer((request, response) => {
    requests.push(String(request.url));
    const file = files.get(String(request.url));
    if (file === undefined) return void response.writeHead(404).end();
    response.writeHead(200, { 'content-length': statSync(file).size, etag: '"1"' });
    createReadStream(file).pipe(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const predict = (name: string, out: string) =>
  cliAsync(['predict', name, PHOTO, '--out', out, '--json'], {
    CONVNEXTV2_OFFLINE: '',
    CONVNEXTV2_MIRROR: mirror,
    CONVNEXTV2_CACHE: path('cache'),
  });

test.each(DETECTORS)('predict %s photo.jpg pulls %s and draws boxes', async (name, size, file) => {
  requests.length = 0;
  const out = path(name);
  const { code, stdout, stderr } = await predict(name, out);
  expect(stderr).toContain(`${name}: official weights, license MIT`);
  expect(stderr).toContain(`${name}: pulling about ${size} from ${mirror}`);
  expect(stderr).toMatch(/: \d+ MB of \d+ MB \(\d+ %\), \d+ MB\/s/);
  expect(code).toBe(0);
  const { predictions } = JSON.parse(stdout) as {
    predictions: { detections: { name: string; score: number; bbox: number[] }[] }[];
  };
  const [{ detections }] = predictions;
  expect(detections.length).toBeGreaterThan(0);
  expect(detections[0].name).toBe('person');
  const drawn = await decodeImage(join(out, 'preprocess_q90_420.png'));
  const photo = await decodeImage(PHOTO);
  const scale = drawn.width / photo.width; // small pictures are enlarged
  expect(drawn.height).toBe(scale * photo.height);
  let changed = 0;
  for (let y = 0; y < drawn.height; y++)
    for (let x = 0; x < drawn.width; x++) {
      const from = 3 * (Math.floor(y / scale) * photo.width + Math.floor(x / scale));
      const at = 3 * (y * drawn.width + x);
      changed += Number(Math.abs(drawn.data[at] - photo.data[from]) > 60);
    }
  expect(changed).toBeGreaterThan(1000);
  expect(requests).toEqual([`/convnext/coco/${file}`]);
  expect(existsSync(path(`cache/${file}.json`))).toBe(true);
});

test('predict NAME photo.jpg pulls a full-size segmenter and writes labels of its 150 classes', async () => {
  const out = path('segments');
  const { code, stderr } = await predict(SEGMENTER, out);
  expect(stderr).toContain('pulling about 241 MB');
  expect(code).toBe(0);
  expect(existsSync(join(out, 'preprocess_q90_420.png'))).toBe(true);
  expect(readFileSync(path('cache/upernet_convnext_tiny_1k_512x512.pth.json'), 'utf8')).toContain(
    '"licence": "MIT"',
  );
});

test('the hub’s copy has other names and, with the same values, the same labels', async () => {
  const out = path('hub');
  const { code, stderr } = await predict('openmmlab/upernet-convnext-tiny', out);
  expect(stderr).toContain(`${SEGMENTER}_hf: official weights, license MIT`);
  expect(code).toBe(0);
  const labels = (folder: string): Buffer => readFileSync(join(folder, 'preprocess_q90_420.png'));
  expect(labels(out).equals(labels(path('segments')))).toBe(true);
});

test('a file that is not the one that OpenMMLab’s name states is refused', async () => {
  const { code, stdout } = await predict(`${SEGMENTER}_openmmlab`, path('refused'));
  expect(code).toBe(2);
  expect(stdout).toContain('expected a file with sha256 cad485de… as published, got ');
});
