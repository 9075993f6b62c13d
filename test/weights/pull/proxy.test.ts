import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ConfigError, ConnectionError } from '../../../core/errors.js';
import { proxyFor } from '../../../weights/pull/proxy.js';
import { pullWeights, type PulledFile } from '../../../weights/pull/pull.js';
import { temporaryFolder } from '../../helpers/temporary-folder.js';
import { startProxy, startSecureServer } from './secure-servers.js';

const { folder } = temporaryFolder();
const content = randomBytes(300_000);
const URL_OF_FILE = 'https://dl.example.org/convnext/weights.pt';
let cacheFolder: string;
let numFolders = 0;

beforeEach(() => {
  cacheFolder = join(folder, `cache${numFolders++}`);
  for (const name of [
    'https_proxy',
    'HTTPS_PROXY',
    'all_proxy',
    'ALL_PROXY',
    'no_proxy',
    'NO_PROXY',
  ])
    vi.stubEnv(name, '');
});
afterEach(() => {
  vi.unstubAllEnvs();
});

const pull = (url = URL_OF_FILE, options = {}): Promise<PulledFile> =>
  pullWeights(
    { url, fileName: 'weights.pt', license: 'MIT' },
    { cacheFolder, retries: 1, retryDelayMs: 1, ...options },
  );

test('a file is pulled through the proxy of the environment, also after the connection was cut', async () => {
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  const proxy = await startProxy(await startSecureServer(content, 100_000));
  vi.stubEnv('HTTPS_PROXY', `http://me:a%20b@127.0.0.1:${proxy.port}`);
  const retries: string[] = [];
  const { file } = await pull(URL_OF_FILE, { onRetry: (reason: string) => retries.push(reason) });
  expect((await readFile(file)).equals(content)).toBe(true);
  const login = `Basic ${Buffer.from('me:a b').toString('base64')}`;
  const asked = { host: 'dl.example.org:443', login };
  expect(proxy.asked).toEqual([asked, asked]);
  expect(retries).toHaveLength(1);
});

test('a host of NO_PROXY is reached without it', async () => {
  const server = await startSecureServer(content);
  const proxy = await startProxy(server);
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
  vi.stubEnv('HTTPS_PROXY', `http://127.0.0.1:${proxy.port}`);
  vi.stubEnv('NO_PROXY', 'example.com, localhost');
  await pull(`https://localhost:${server.port}/weights.pt`);
  expect(proxy.asked).toEqual([]);
});

test('a proxy that refuses, or is not there, is named', async () => {
  const target = await startSecureServer(content);
  const refusing = await startProxy(target, 407);
  vi.stubEnv('https_proxy', `127.0.0.1:${refusing.port}`);
  await expect(pull()).rejects.toThrow(
    `pull: expected the proxy 127.0.0.1:${refusing.port} to reach dl.example.org:443, got status 407 no; put name and password into its address`,
  );
  expect(refusing.asked).toHaveLength(1);
  vi.stubEnv('https_proxy', 'http://127.0.0.1:9');
  await expect(pull()).rejects.toThrow(
    `pull: expected to reach ${URL_OF_FILE}, got ECONNREFUSED; download it elsewhere and put it at ${join(cacheFolder, 'weights.pt')} (the proxy 127.0.0.1:9 was asked)`,
  );
  vi.stubEnv('https_proxy', 'socks5://me:secret@127.0.0.1:9');
  await expect(pull()).rejects.toThrow(ConfigError);
  await expect(pull()).rejects.toThrow(
    'https_proxy: expected the address of an http proxy, got socks5://127.0.0.1:9',
  );
  expect(await readdir(cacheFolder)).toEqual([]);
});

test('a certificate that is not trusted ends the pull at once, with the remedy', async () => {
  const server = await startSecureServer(content);
  const pulling = pull(`https://localhost:${server.port}/w.pt`, {
    retries: 5,
    retryDelayMs: 60_000,
  });
  await expect(pulling).rejects.toThrow(ConnectionError);
  await expect(pulling).rejects.toThrow(
    /expected a certificate that Node trusts, got .*self-signed certificate.*NODE_EXTRA_CA_CERTS=FILE/,
  );
});

test.each([
  ['', true],
  ['example.org', false],
  ['.example.org', false],
  ['*.example.org', false],
  ['other.org,dl.example.org:443', false],
  ['dl.example.org:8443', true],
  ['ample.org', true],
  ['*', false],
])('NO_PROXY=%s: the proxy is asked: %s', (list, isAsked) => {
  const proxy = proxyFor(new URL(URL_OF_FILE), { ALL_PROXY: 'http://proxy:3128', NO_PROXY: list });
  expect(proxy?.host).toBe(isAsked ? 'proxy:3128' : undefined);
});

test('this machine is reached without a proxy over http', () => {
  const environment = { HTTPS_PROXY: 'http://proxy:3128' };
  expect(proxyFor(new URL('http://127.0.0.1:8080/w.pt'), environment)).toBeUndefined();
});
