import { beforeAll, expect, test } from 'vitest';
import sharp from 'sharp';
import { decodeImageBytes } from '../../io/image/decode.js';
import { open } from '../../inference/open.js';
import type { DetectResult } from '../../core/results.js';
import { draw } from '../../report/draw.js';
import { openModel } from '../../tools/open-model.js';
import { get, post, smallServers, type Answer } from './start.js';
import { noise } from './small-models.js';

const TASKS = { classify: 'ants', detect: 'boxes', segment: 'pixels' } as const;
/** As the server opens its models: other formulas round otherwise. */
const FROZEN = { frozen: true } as const;
const servers = smallServers();
let url: string;
let images: readonly Buffer[];

beforeAll(async () => {
  ({ url } = await servers.start(['classify', 'detect', 'segment']));
  images = [
    await noise({ width: 96, height: 64 }),
    await noise({ width: 70, height: 90 }, 'png', 2),
    // As phones store pictures: turned by a tag.
    await sharp(await noise({ width: 80, height: 60 }, 'png', 3))
      .withMetadata({ orientation: 6 })
      .webp({ lossless: true })
      .toBuffer(),
  ];
});

/** Predictions of the library for the images, as JSON. */
async function expected(
  task: keyof typeof TASKS,
  options: { readonly score?: number; readonly max?: number; readonly top?: number } = {},
): Promise<readonly object[]> {
  const model = await open(servers.paths()[task], FROZEN);
  try {
    const results = [];
    for (const image of images) results.push(await model.predict(image, options));
    return (JSON.parse(JSON.stringify(results)) as object[]).map((result) => {
      const { task: own, ...fields } = result as Record<string, unknown>;
      expect(own).toBe(task);
      return fields;
    });
  } finally {
    await model.release();
  }
}

const formOf = (bodies: readonly Buffer[]): FormData => {
  const form = new FormData();
  bodies.forEach((body, i) => form.append('images', new Blob([new Uint8Array(body)]), `${i}.jpg`));
  return form;
};
const predictions = ({ json }: Answer): readonly Record<string, unknown>[] =>
  json['predictions'] as Record<string, unknown>[];
const errorOf = ({ json }: Answer): { readonly code: string; readonly message: string } =>
  json['error'] as { code: string; message: string };

test.each(['classify', 'detect', 'segment'] as const)(
  '%s: a body, a form and base64 are answered as the library does',
  async (task) => {
    const options = { score: 0.05, max: 7, top: 2 };
    const results = await expected(task, options);
    const path = `${url}/v1/predict/${TASKS[task]}?score=0.05&max=7&top=2`;
    const raw = await post(path, new Uint8Array(images[0]), { 'content-type': 'image/jpeg' });
    expect(raw.status).toBe(200);
    expect(raw.json).toEqual({
      model: TASKS[task],
      task,
      predictions: [{ name: 'image', ...results[0] }],
    });
    const form = await post(path, formOf(images));
    expect(predictions(form)).toEqual(
      results.map((result, i) => ({ name: `${i}.jpg`, ...result })),
    );
    const texts = images.map((image) => image.toString('base64'));
    const named = { name: 'second', data: `data:image/png;base64,${texts[1]}` };
    const json = await post(path, JSON.stringify({ images: [texts[0], named, texts[2]] }), {
      'content-type': 'application/json',
    });
    expect(predictions(json).map(({ name: _, ...fields }) => fields)).toEqual(results);
    expect(predictions(json).map(({ name }) => name)).toEqual(['image 1', 'second', 'image 3']);
  },
);

test('a detector answers objects from the default score, and a COCO document', async () => {
  const [all] = (await expected('detect')) as { objects: { score: number }[] }[];
  const shown = all.objects.filter(({ score }) => score >= 0.3);
  const answer = await post(`${url}/v1/predict/boxes`, new Uint8Array(images[0]));
  expect(predictions(answer)[0]['objects']).toEqual(shown);
  const { json } = await post(`${url}/v1/predict/boxes?format=coco&score=0`, formOf(images));
  const { images: listed, categories, annotations } = json as Record<string, object[]>;
  expect(listed).toEqual([
    { id: 1, file_name: '0.jpg', width: 96, height: 64 },
    { id: 2, file_name: '1.jpg', width: 70, height: 90 },
    { id: 3, file_name: '2.jpg', width: 60, height: 80 },
  ]);
  expect(categories).toEqual([
    { id: 3, name: 'ant' },
    { id: 7, name: 'bee' },
    { id: 9, name: 'cat' },
  ]);
  const rows = annotations as { id: number; image_id: number; area: number }[];
  expect(rows.map(({ id }) => id)).toEqual(rows.map((_, i) => i + 1));
  expect(rows.filter(({ image_id }) => image_id === 1)).toHaveLength(all.objects.length);
  expect(rows[0]).toMatchObject({ iscrowd: 0, bbox: expect.any(Array) as unknown });
});

test('format=png draws the result of one image', async () => {
  const model = await open(servers.paths().detect, FROZEN);
  const result = await model.predict(images[0], { score: 0.3 });
  await model.release();
  const response = await fetch(`${url}/v1/predict/boxes?format=png`, {
    method: 'POST',
    body: new Uint8Array(images[0]),
  });
  expect(response.headers.get('content-type')).toBe('image/png');
  const drawn = await decodeImageBytes(new Uint8Array(await response.arrayBuffer()), 'drawn');
  const { data } = await draw(result, images[0]);
  expect(Buffer.compare(drawn.data, data)).toBe(0);
  const two = await post(`${url}/v1/predict/boxes?format=png`, formOf(images));
  expect([two.status, errorOf(two).message]).toEqual([400, expect.stringContaining('one image')]);
});

test('models are listed with their classes', async () => {
  const { json } = await get(`${url}/v1/models`);
  expect(json['models']).toEqual([
    expect.objectContaining({ name: 'ants', task: 'classify' }),
    expect.objectContaining({
      name: 'boxes',
      task: 'detect',
      input: { long: 128, short: 96 },
      classes: [
        { id: 3, name: 'ant' },
        { id: 7, name: 'bee' },
        { id: 9, name: 'cat' },
      ],
    }),
    expect.objectContaining({ name: 'pixels', task: 'segment' }),
  ]);
  const text = await (await fetch(`${url}/v1/models`)).text();
  expect(text).not.toContain('/tmp');
});

test('paths and URLs are not opened, whatever the place', async () => {
  const json = { 'content-type': 'application/json' };
  for (const image of [
    '/etc/hostname',
    'file:///etc/passwd',
    `${url}/healthz`,
    servers.paths().detect,
  ]) {
    const answer = await post(`${url}/v1/predict/ants`, JSON.stringify({ image }), json);
    expect([answer.status, errorOf(answer).code]).toEqual([400, 'DataError']);
    const raw = await post(`${url}/v1/predict/ants`, image, { 'content-type': 'text/plain' });
    expect([raw.status, errorOf(raw).code]).toEqual([400, 'DataError']);
  }
});

test('what is no image, damaged or too large is refused with the reason', async () => {
  const broken = images[0].subarray(0, images[0].length / 2);
  const svg = '<svg xmlns="http://www.w3.org/2000/svg"/>';
  const red = async (width: number, height: number): Promise<Uint8Array<ArrayBuffer>> => {
    const create = { width, height, channels: 3, background: 'red' } as const;
    return new Uint8Array(await sharp({ create }).png().toBuffer());
  };
  const cases = [
    [new Uint8Array(broken), 400, 'DataError', /complete JPEG/],
    [svg, 400, 'DataError', /JPEG, PNG/],
    ['', 400, 'BadRequest', /got none/],
    [await red(9000, 9000), 413, 'ImageTooLarge', /at most 50000000 pixels, got 9000x9000/],
    [await red(2 ** 20 + 1, 1), 413, 'ImageTooLarge', /1048576 pixels in a row or column, got/],
    [new Uint8Array(40 * 2 ** 20), 413, 'BodyTooLarge', /fewer bytes/],
  ] as const;
  for (const [body, status, code, message] of cases) {
    const answer = await post(`${url}/v1/predict/boxes`, body);
    expect([answer.status, errorOf(answer).code]).toEqual([status, code]);
    expect(errorOf(answer).message).toMatch(message);
  }
  const form = await post(`${url}/v1/predict/boxes`, formOf([images[0], Buffer.from('hello')]));
  expect([form.status, errorOf(form).message]).toEqual([400, expect.stringMatching(/^1\.jpg: /)]);
});

test('unknown options, models and routes are named', async () => {
  const body = new Uint8Array(images[0]);
  const cases = [
    [`/v1/predict/boxes?scor=0.5`, 400, /scor.*score/],
    [`/v1/predict/boxes?score=2`, 400, /score.*1/],
    [`/v1/predict/boxes?score=`, 400, /score/],
    [`/v1/predict/boxes?max=-1`, 400, /max/],
    [`/v1/predict/boxes?format=xml`, 400, /format/],
    [`/v1/predict/box`, 404, /did you mean boxes/],
    [`/v1/predict/%1b%5b2J%c2%9b%e2%80%ae`, 404, /predict\/\\u001b\[2J\\u009b\\u202e: expected/],
    [`/v1/predict`, 400, /\/v1\/predict\/ants/],
    [`/v2`, 404, /\/docs/],
  ] as const;
  for (const [path, status, message] of cases) {
    const answer = await post(`${url}${path}`, body);
    expect([path, answer.status]).toEqual([path, status]);
    expect(errorOf(answer).message).toMatch(message);
  }
  const json = { 'content-type': 'application/json' };
  for (const text of ['{', '[]', '{}', '{"imags": ["QUJD"]}', '{"images": [1]}']) {
    const answer = await post(`${url}/v1/predict/boxes`, text, json);
    expect([text, answer.status]).toEqual([text, 400]);
  }
});

test('predictions are asked for by POST, with or without a slash at the end', async () => {
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS'])
    for (const path of ['/v1/predict', '/v1/predict/ants?top=1']) {
      const response = await fetch(url + path, { method });
      expect([method, response.status, response.headers.get('allow')]).toEqual([
        ...[method, 405, 'POST'],
      ]);
      const { error } = (await response.json()) as { error: { code: string; message: string } };
      expect(error).toEqual({
        code: 'MethodNotAllowed',
        message: expect.stringContaining('expected POST') as string,
      });
    }
  expect((await get(`${url}/v1/predictions`)).status).toBe(404);
  const body = new Uint8Array(images[0]);
  const plain = await post(`${url}/v1/predict/ants`, body);
  expect((await post(`${url}/v1/predict/ants/`, body)).json).toEqual(plain.json);
  expect((await get(`${url}/healthz/`)).status).toBe(200);
});

test('a large JSON body is parsed apart: the same answers', async () => {
  const large = await noise({ width: 1200, height: 900 }, 'png');
  const image = (await sharp(large).png({ compressionLevel: 0 }).toBuffer()).toString('base64');
  expect(image.length).toBeGreaterThan(2 ** 20);
  const json = { 'content-type': 'application/json' };
  const path = `${url}/v1/predict/ants`;
  const answer = await post(path, JSON.stringify({ image }), json);
  expect(answer.json).toEqual((await post(path, new Uint8Array(large))).json);
  const cases = [
    [`{"image": "${image}`, /expected JSON/],
    [JSON.stringify({ image: `/etc/${image}` }), /JPEG, PNG/],
    [JSON.stringify({ picture: image }), /"image": base64/],
    [JSON.stringify({ image: `${image.slice(0, -20)} not base64!` }), /as base64/],
  ] as const;
  for (const [body, message] of cases) {
    const wrong = await post(path, body, json);
    expect(wrong.status).toBe(400);
    expect(errorOf(wrong).message).toMatch(message);
  }
});

test('damaged forms and URLs are mistakes of the client', async () => {
  const head = '--a\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n';
  const form = { 'content-type': 'multipart/form-data; boundary=a' };
  const cases = [
    ['boxes', 'x', { 'content-type': 'multipart/form-data' }, /complete form/],
    ['boxes', `${head}abc`, form, /complete form/],
    ['boxes', '--a--\r\n', form, /got none/],
    ['boxes', (head + 'abc\r\n').repeat(30), form, /at most 16 images/],
    ['boxes', '{', { 'content-type': 'application/json' }, /expected JSON/],
    ['boxes', 'x', { 'content-type': ';;;' }, /media type/],
    // A search for the end of the padding must not begin at each of its characters.
    [
      'ants',
      `{"image": "${'='.repeat(250_000)}!"}`,
      { 'content-type': 'application/json' },
      /as base64/,
    ],
    ['%zz', 'x', {}, /valid escapes/],
    ['', 'x', {}, /the name of a model/],
  ] as const;
  for (const [name, body, headers, message] of cases) {
    const answer = await post(`${url}/v1/predict/${name}`, body, headers);
    expect([message, Math.floor(answer.status / 100)]).toEqual([message, 4]);
    expect(errorOf(answer).message).toMatch(message);
  }
});

test('the documents describe every route, and load nothing', async () => {
  const { json } = await get(`${url}/openapi.json`);
  expect(json['openapi']).toBe('3.1.0');
  const paths = Object.keys(json['paths'] as object).sort();
  expect(paths).toEqual([
    ...['/healthz', '/metrics', '/readyz', '/v1/models', '/v1/predict', '/v1/predict/{name}'],
  ]);
  const page = await fetch(`${url}/docs`);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  const html = await page.text();
  for (const path of paths) expect(html).toContain(path);
  expect(html).not.toMatch(/<script|https?:\/\//);
});

test('a server with tiles answers as the command line does with them, to the bit', async () => {
  const tile = { size: 64, overlap: 0.25 };
  const server = await servers.start(['detect'], { model: { tile } });
  const { size, overlap } = tile;
  const model = await openModel(servers.paths().detect, { engine: {}, tile: size, overlap }, 1);
  try {
    const { objects } = (await model.predict(images[1])) as DetectResult;
    const [answer] = predictions(await post(`${server.url}/v1/predict`, new Uint8Array(images[1])));
    expect(answer['objects']).toEqual(JSON.parse(JSON.stringify(objects)));
    expect(objects.length).toBeGreaterThan(3);
  } finally {
    await model.release();
  }
});
