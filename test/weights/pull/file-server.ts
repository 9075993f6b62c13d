import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll } from 'vitest';

/** Response of a server to the next request; the last behavior stays. */
export interface Behavior {
  readonly content: Uint8Array;
  readonly etag?: string | undefined;
  readonly lastModified?: string;
  /** Answers ranges, and respects `If-Range`. Default true. */
  readonly ranges?: boolean;
  /** Destroys the connection after so many bytes of the body. */
  readonly cutAfter?: number;
  /** Claims another length. */
  readonly claimedLength?: number;
  /** Sends no length (chunked). */
  readonly noLength?: boolean;
  readonly status?: number;
  /** Sends a range that was not asked for. */
  readonly wrongRange?: boolean;
  /** Sends nothing after so many bytes, but keeps the connection. */
  readonly stallAfter?: number;
  /** Redirects there. */
  readonly redirect?: string;
  readonly contentType?: string;
  readonly contentEncoding?: string;
  /** Repeats the content until the client hangs up. */
  readonly endless?: boolean;
}

/** A server on 127.0.0.1 and the `Range` headers that it saw. */
export interface FileServer {
  readonly url: string;
  readonly ranges: (string | undefined)[];
  serve(...behaviors: Behavior[]): void;
  stop(): Promise<void>;
}

export async function startFileServer(): Promise<FileServer> {
  let queue: Behavior[] = [];
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const behavior = queue.length > 1 ? (queue.shift() as Behavior) : queue[0];
    ranges.push(request.headers.range);
    answer(request, response, behavior);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  afterAll(stop);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/weights.pt`,
    ranges,
    serve: (...behaviors) => {
      queue = behaviors;
      ranges.length = 0;
    },
    stop,
  };
}

function answer(request: IncomingMessage, response: ServerResponse, behavior: Behavior): void {
  const { content, etag, lastModified, ranges = true, status } = behavior;
  if (behavior.redirect !== undefined) {
    response.writeHead(302, { location: behavior.redirect }).end();
    return;
  }
  if (status !== undefined) {
    response.writeHead(status).end('no');
    return;
  }
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const condition = request.headers['if-range'];
  const same = condition === undefined || condition === etag || condition === lastModified;
  const partial = ranges && start > 0 && same;
  if (partial && start >= content.length) {
    response.writeHead(416).end();
    return;
  }
  const from = partial ? (behavior.wrongRange ? start - 1 : start) : 0;
  const body = content.subarray(from);
  const headers: Record<string, string | number> = {};
  if (behavior.contentType !== undefined) headers['content-type'] = behavior.contentType;
  if (behavior.contentEncoding !== undefined)
    headers['content-encoding'] = behavior.contentEncoding;
  if (etag !== undefined) headers['etag'] = etag;
  if (lastModified !== undefined) headers['last-modified'] = lastModified;
  if (!behavior.noLength) headers['content-length'] = behavior.claimedLength ?? body.length;
  if (partial) headers['content-range'] = `bytes ${from}-${content.length - 1}/${content.length}`;
  response.writeHead(partial ? 206 : 200, headers);
  if (behavior.endless) {
    const more = (): void => {
      while (!response.destroyed && response.write(body));
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  } else if (behavior.stallAfter !== undefined) {
    response.write(body.subarray(0, behavior.stallAfter));
  } else if (behavior.cutAfter !== undefined) {
    response.write(body.subarray(0, behavior.cutAfter), () =>
      setTimeout(() => response.destroy(), 50),
    );
  } else {
    response.end(body);
  }
}
