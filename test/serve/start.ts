import { afterAll, beforeAll } from 'vitest';
import type { ServeOptions } from '../../serve/options.js';
import { startServer, type RunningServer } from '../../serve/server.js';
import { temporaryFolder } from '../helpers/temporary-folder.js';
import { saveSmallModels, type SmallModels } from './small-models.js';

/** Options like the defaults of `serve`, on any free port. */
export const SERVE_DEFAULTS = {
  host: '127.0.0.1',
  port: 0,
  queue: 64,
  maxBodyBytes: 32 * 2 ** 20,
  maxPixels: 50_000_000,
  maxImages: 16,
  timeoutMs: 30_000,
  model: {},
} as const satisfies Omit<ServeOptions, 'models'>;

/** An answer with its body as JSON, if it is. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Readonly<Record<string, unknown>>;
}

/** Servers of a test file: started with small models, and closed at its end. */
export function smallServers(): {
  readonly paths: () => SmallModels;
  readonly start: (
    models: readonly (keyof SmallModels)[],
    options?: Partial<ServeOptions>,
  ) => Promise<RunningServer>;
} {
  const { folder } = temporaryFolder();
  const running: RunningServer[] = [];
  let paths: SmallModels;
  beforeAll(async () => {
    paths = await saveSmallModels(folder);
  });
  afterAll(async () => {
    await Promise.all(running.map((server) => server.close()));
  });
  return {
    paths: () => paths,
    start: async (models, options = {}) => {
      const server = await startServer({
        ...SERVE_DEFAULTS,
        models: models.map((task) => paths[task]),
        ...options,
      });
      running.push(server);
      await server.ready;
      return server;
    },
  };
}

/** Posts a body. */
export async function post(url: string, body: BodyInit, headers = {}): Promise<Answer> {
  return answerOf(await fetch(url, { method: 'POST', body, headers }));
}

/** Gets a document. */
export async function get(url: string, headers = {}): Promise<Answer> {
  return answerOf(await fetch(url, { headers }));
}

async function answerOf(response: Response): Promise<Answer> {
  const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
  const json = (isJson ? await response.json() : {}) as Answer['json'];
  return { status: response.status, headers: response.headers, json };
}
