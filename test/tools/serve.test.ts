import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { beforeAll, expect, test } from 'vitest';
import { cli } from '../helpers/cli.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { noise, saveSmallModels, type SmallModels } from '../serve/small-models.js';

const { folder } = temporaryFolder();
let models: SmallModels;
beforeAll(async () => {
  models = await saveSmallModels(folder);
});

test('serve prints where it is, answers, and ends with 0 after SIGTERM', async () => {
  const args = ['dist/tools/cli.js', 'serve', models.classify, `small=${models.detect}`];
  const server = spawn(process.execPath, [...args, '--port', '0', '--json'], {
    env: { ...process.env, CONVNEXTV2_TOKEN: 'abc' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: Buffer[] = [];
  server.stderr.on('data', (chunk: Buffer) => log.push(chunk));
  try {
    const [line] = (await once(createInterface(server.stdout), 'line')) as [string];
    const { url, models: names } = JSON.parse(line) as { url: string; models: string[] };
    expect(names).toEqual(['ants', 'small']);
    const response = await fetch(`${url}/v1/predict/small`, {
      method: 'POST',
      headers: { authorization: 'Bearer abc' },
      body: new Uint8Array(await noise({ width: 96, height: 64 })),
    });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ model: 'small', task: 'detect' });
    server.kill('SIGTERM');
    expect(await once(server, 'exit')).toEqual([0, null]);
    expect(Buffer.concat(log).toString()).toMatch(/serving ants, small at http[^]*stopping/);
  } finally {
    server.kill('SIGKILL');
  }
}, 120_000);

test('models that cannot be opened and wrong options end with 2', () => {
  const absent = cli(['serve', `${folder}/absent`, '--port', '0', '--json']);
  expect([absent.code, JSON.parse(absent.stdout)]).toEqual([
    2,
    { error: expect.objectContaining({ code: 'WeightsError' }) as unknown },
  ]);
  const port = cli(['serve', models.classify, '--port', '99999']);
  expect([port.code, port.stderr]).toEqual([2, expect.stringContaining('--port')]);
  const twice = cli(['serve', models.classify, models.classify]);
  expect([twice.code, twice.stderr]).toEqual([2, expect.stringContaining('different names')]);
});

test('a server reads the options of weight files, and pulls nothing offline', () => {
  const name = 'convnext_tiny.fb_in1k';
  const elsewhere = { CONVNEXTV2_OFFLINE: '0', CONVNEXTV2_MIRROR: 'http://127.0.0.1:9' };
  const args = ['--port', '0', '--cache', `${folder}/cache`];
  const offline = cli(['serve', name, '--offline', ...args], elsewhere);
  expect([offline.code, offline.stderr]).toEqual([
    2,
    expect.stringContaining(`run "npx convnextv2 weights pull ${name}"`),
  ]);
  const crop = cli(['serve', models.classify, '--crop', '0.5', ...args]);
  expect([crop.code, crop.stderr]).toEqual([2, expect.stringContaining('without model card')]);
});
