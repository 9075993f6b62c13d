import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ConfigError } from '../core/errors.js';
import { PEER_ALLOCATOR } from './peer-allocator.js';
import { SCORE } from './serve-cases.js';
import { TIMEOUT_S, type Target } from './serve-load.js';

const START_MS = 120_000;

/** A started server. */
export interface Started extends Target {
  /** Ends it. @returns its exit code, null after a signal */
  stop(): Promise<number | null>;
}

/** Starts `convnextv2 serve`. */
export async function startOurs(model: string, flags: readonly string[]): Promise<Started> {
  const cli = fileURLToPath(new URL('../tools/cli.js', import.meta.url));
  const own = ['--port', '0', '--json', '--timeout', String(TIMEOUT_S), '--score', String(SCORE)];
  return started(process.execPath, [cli, 'serve', model, ...own, ...flags], {});
}

/** Starts the same model behind FastAPI. @param folder written by `writeForPeers` */
export async function startPeer(
  python: string,
  kind: 'torch' | 'onnxruntime',
  folder: string,
): Promise<Started> {
  const script = fileURLToPath(new URL('../../bench/serve_peers.py', import.meta.url));
  return started(python, [script, kind, folder], PEER_ALLOCATOR);
}

async function started(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Started> {
  const server = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const url = await firstUrl(server);
  await untilHealthy(url);
  return {
    url,
    pid: server.pid!,
    stop: async () => {
      server.kill('SIGTERM');
      const [code] = (await once(server, 'exit')) as [number | null];
      return code;
    },
  };
}

async function firstUrl(server: ChildProcess): Promise<string> {
  const line = once(createInterface(server.stdout!), 'line') as Promise<[string]>;
  const failed = once(server, 'exit').then(([code]: unknown[]) => {
    throw new ConfigError(`bench:serve: expected a server, got exit code ${String(code)}`);
  });
  const [text] = await Promise.race([line, failed]);
  return (JSON.parse(text) as { url: string }).url;
}

async function untilHealthy(url: string): Promise<void> {
  const endMs = Date.now() + START_MS;
  for (;;)
    try {
      if ((await fetch(`${url}/healthz`)).ok) return;
    } catch (error) {
      if (Date.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
}
