import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../core/errors.js';
import { joinRanks } from '../../tools/distributed.js';
import { isSocket } from '../../tools/launcher.js';

const folder = mkdtempSync(join(tmpdir(), 'convnextv2-distributed-'));
afterAll(() => rmSync(folder, { recursive: true }));

const openFile = (): number => openSync(join(folder, 'file'), 'w');

describe("mpiexec's connection", () => {
  const join2 = (fd: number): Promise<unknown> =>
    joinRanks({ PMI_SIZE: '2', PMI_RANK: '0', PMI_FD: String(fd) });

  test('closed by a process in between is an error that says what to do', async () => {
    const fd = openFile();
    closeSync(fd);
    await expect(join2(fd)).rejects.toThrow(ConfigError);
    await expect(join2(fd)).rejects.toThrow(/file \d+\) to be open.*npx.*-pmi-port/);
  });

  test('replaced by a file of this process is the same error', async () => {
    const fd = openFile();
    try {
      await expect(join2(fd)).rejects.toThrow(/got it closed by npx.*-pmi-port/);
    } finally {
      closeSync(fd);
    }
  });

  test('is a socket', async () => {
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, done));
    const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } })._handle;
    expect(isSocket(fd)).toBe(true);
    await new Promise((done) => server.close(done));
    expect(isSocket(fd)).toBe(false);
  });
});
