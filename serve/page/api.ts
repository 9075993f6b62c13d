import type { ResultJson } from '../../core/results.js';
import type { ModelInfo } from '../messages.js';

/** Requests are tried so often if the server is busy. */
const TRIES = 20;

/** An error answer of the server. */
export class ServerError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** The models of the page. */
export interface Api {
  /** Token of the requests to a server. */
  token: string | undefined;
  models(): Promise<readonly ModelInfo[]>;
  /** Predicts a picture; objects of any score from `score`. @throws ServerError */
  predict(model: string, picture: Blob, score: number): Promise<ResultJson>;
}

/** Creates the client of the page's own server. */
export function createApi(): Api {
  const api: Api = {
    token: undefined,
    models: async () => {
      const { models } = (await request('/v1/models')) as { models: ModelInfo[] };
      return models;
    },
    predict: async (model, picture, score) => {
      const path = `/v1/predict/${encodeURIComponent(model)}?score=${score}`;
      const { task, predictions } = (await request(path, picture)) as {
        task: ResultJson['task'];
        predictions: object[];
      };
      return { task, ...predictions[0] } as ResultJson;
    },
  };

  async function request(path: string, body?: Blob): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      const headers: Record<string, string> = {};
      if (api.token !== undefined) headers['authorization'] = `Bearer ${api.token}`;
      if (body) headers['content-type'] = 'application/octet-stream';
      const method = body ? 'POST' : 'GET';
      const response = await fetch(path, { method, headers, body: body ?? null });
      if (response.ok) return response.json();
      if (response.status === 503 && attempt < TRIES) {
        const seconds = Number(response.headers.get('retry-after')) || 1;
        await new Promise((resolve) => setTimeout(resolve, 1000 * Math.min(seconds, 5)));
        continue;
      }
      throw new ServerError(response.status, await messageOf(response));
    }
  }
  return api;
}

async function messageOf(response: Response): Promise<string> {
  try {
    const { error } = (await response.json()) as { error: { message: string } };
    return error.message;
  } catch {
    return `the server answered ${response.status}`;
  }
}
