import { execFile, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { imageHeader } from '../../io/image/header.js';
import { leaveOutUnless } from '../helpers/leave-out.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { noise } from './small-models.js';
import { smallServers } from './start.js';

/** The commands of docs/serving.md that send requests, with the lines that continue them. */
const COMMANDS = [
  ...readFileSync('docs/serving.md', 'utf8').matchAll(/^(?:curl .*|printf .*\|\n {2}curl .*)$/gm),
].map(([command]) => command);

const hasCurl = spawnSync('curl', ['--version']).status === 0;
leaveOutUnless(hasCurl, 'curl');

const servers = smallServers();
const { folder, path } = temporaryFolder();
let url: string;

beforeAll(async () => {
  const picture = await noise({ width: 96, height: 64 });
  for (const name of ['photo.jpg', 'a.jpg']) writeFileSync(path(name), picture);
  writeFileSync(path('b.png'), await noise({ width: 70, height: 90 }, 'png'));
  ({ url } = await servers.start(['detect']));
});

test('the documents have requests of every kind', () => {
  const text = COMMANDS.join('\n');
  for (const part of ['--data-binary', '-F images', 'base64', 'Bearer', 'format=png', '/v1/models'])
    expect(text).toContain(part);
});

test.each(COMMANDS)('%s', async (command) => {
  if (!hasCurl) return;
  const own = command
    .replaceAll('http://127.0.0.1:8080', url)
    .replace('/v1/predict/parts', '/v1/predict/boxes')
    .replace('curl ', 'curl -sS --fail-with-body ');
  // The server is in this process; another exit code than 0 rejects.
  const { stdout } = await promisify(execFile)('sh', ['-c', own], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (command.includes('-o drawn.png')) {
    const drawn = readFileSync(path('drawn.png'));
    expect(await imageHeader(drawn, 'drawn.png')).toMatchObject({ format: 'png' });
  } else expect(Object.keys(JSON.parse(stdout) as object).length).toBeGreaterThan(0);
});
