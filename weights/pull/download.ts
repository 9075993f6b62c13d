import { open } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionError, DownloadError, InputError, WeightsError } from '../../core/errors.js';
import { assertRoom, explainedWrite, megabytes } from './disk.js';
import { refusePage } from './page.js';
import { PartialFile, type PartialState } from './partial.js';
import { proxyFor } from './proxy.js';
import { request } from './request.js';

/** Progress of a download. */
export interface Progress {
  readonly receivedBytes: number;
  /** Undefined if the server doesn't send it. */
  readonly totalBytes: number | undefined;
}

/** Options of a download. Times are in milliseconds. */
export interface DownloadOptions {
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Number of attempts without a new byte; default 5. */
  readonly retries?: number | undefined;
  /** Pause before the second attempt, doubled each time up to 30 s; default 1000. */
  readonly retryDelayMs?: number | undefined;
  /** Time without data after which the connection is closed; default 30,000. */
  readonly idleTimeoutMs?: number | undefined;
  /** Largest size of a file; default 16 GiB. */
  readonly maxBytes?: number | undefined;
  /** Called with the reason before every further attempt, and with the pause before it. */
  readonly onRetry?: ((reason: string, pauseMs: number) => void) | undefined;
}

/** Length of the complete file, and its version on the server. */
type Downloaded = Pick<PartialState, 'etag' | 'lastModified'> & { readonly bytes: number };

/** A temporary failure of the connection or the server. */
class Interrupted extends Error {}

const MAX_DELAY_MS = 30_000;
const MAX_BYTES = 2 ** 34;
const UNREACHABLE = ['ENOTFOUND', 'EAI_AGAIN', 'ECONNREFUSED', 'ENETUNREACH', 'EHOSTUNREACH'];
/** Codes of certificates that Node does not trust, and of servers that do not speak TLS. */
const UNTRUSTED = /CERT|UNABLE_TO_|^ERR_(TLS|SSL)_|^EPROTO$/;

/**
 * Downloads `url` to `path`. If `path` has the beginning of an earlier download, only the rest is requested, provided
 * that the file on the server is still the same (`If-Range`); otherwise the download starts again.
 *
 * @param remedy end of the message if the server cannot be reached
 * @throws WorkError if the server cannot be reached or repeatedly closes the connection, or the disk is full
 * @throws WeightsError if the server has no such file, sends a web page or too much, or redirects to an unknown host
 */
export async function download(
  url: string,
  path: string,
  remedy: string,
  options: DownloadOptions = {},
): Promise<Downloaded> {
  const { retries = 5, retryDelayMs = 1000, onRetry } = options;
  const partial = new PartialFile(path);
  for (let failures = 0, everReceived = false; ;) {
    const before = await partial.sizeBytes();
    try {
      return await attempt(url, partial, remedy, options);
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      const received = (await partial.sizeBytes()) > before;
      everReceived ||= received;
      failures = received ? 1 : failures + 1;
      const code = (error.cause as { code?: string } | undefined)?.code ?? '';
      if (!everReceived && UNREACHABLE.includes(code)) {
        throw new ConnectionError(
          `pull: expected to reach ${url}, got ${code}; ${remedy}${proxyNote(url)}`,
          { cause: error },
        );
      }
      if (!everReceived && UNTRUSTED.test(code)) {
        throw new ConnectionError(
          `pull: ${url}: expected a certificate that Node trusts, got ${reasonOf(error.cause)} (${code}); if a proxy replaces certificates, ` +
            `name its own with NODE_EXTRA_CA_CERTS=FILE; or ${remedy}`,
          { cause: error },
        );
      }
      if (failures > retries) {
        throw new ConnectionError(
          `pull: ${url}: ${error.message}; gave up after ${failures} attempts (pull again to resume; or ${remedy})`,
          { cause: error },
        );
      }
      const pauseMs = Math.min(retryDelayMs * 2 ** (failures - 1), MAX_DELAY_MS);
      onRetry?.(error.message, pauseMs);
      await delay(pauseMs);
    }
  }
}

/** Says which proxy was asked, or how to name one. */
function proxyNote(url: string): string {
  if (!url.startsWith('https:')) return '';
  const proxy = proxyFor(new URL(url));
  return proxy ? ` (the proxy ${proxy.host} was asked)` : ' (behind a proxy: set HTTPS_PROXY)';
}

async function attempt(
  url: string,
  partial: PartialFile,
  remedy: string,
  { onProgress, idleTimeoutMs = 30_000, maxBytes = MAX_BYTES }: DownloadOptions,
): Promise<Downloaded> {
  let state = await partial.stateFor(url);
  const offset = state ? await partial.sizeBytes() : 0;
  if (state && state.totalBytes !== null && offset === state.totalBytes) {
    return { ...state, bytes: offset };
  }
  const abort = new AbortController();
  const idle = setTimeout(() => abort.abort(new Error('silence')), idleTimeoutMs);
  try {
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (state && offset > 0) {
      headers['range'] = `bytes=${offset}-`;
      headers['if-range'] = validatorOf(state);
    }
    const response = await request(url, { headers, signal: abort.signal }).catch(interrupt);
    const resumes = response.status === 206 && state !== undefined && offset > 0;
    if (resumes && !continues(response, state as PartialState, offset)) {
      await partial.discard();
      throw new Interrupted('expected the rest of the same file, got another part or version');
    }
    if (!resumes) {
      await rejectStatus(response, url, partial, remedy);
      state = stateOf(url, response);
      await begin(state, partial, maxBytes, response);
    }
    const known = state as PartialState;
    const received = await append(response, partial.path, resumes ? offset : 0, (bytes) => {
      idle.refresh();
      const most = known.totalBytes ?? maxBytes;
      if (bytes > most) throw tooLarge(url, most, `${megabytes(bytes)} and more`);
      onProgress?.({ receivedBytes: bytes, totalBytes: known.totalBytes ?? undefined });
    }).catch(async (error: unknown) => {
      if (error instanceof WeightsError) await partial.discard();
      throw error;
    });
    if (known.totalBytes !== null && received < known.totalBytes) {
      throw new Interrupted(`expected ${known.totalBytes} bytes, got ${received}`);
    }
    return { ...known, bytes: received };
  } finally {
    clearTimeout(idle);
    abort.abort(); // releases the connection
  }
}

/** Converts a failed `fetch` or an interrupted body to {@link Interrupted}. */
function interrupt(error: unknown): never {
  if (error instanceof InputError) throw error;
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  throw new Interrupted(`expected a steady connection, got ${reasonOf(cause)}`, { cause });
}

/** Message of an error, or its code: failures to connect to several addresses have no message. */
function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.message || ((cause as NodeJS.ErrnoException).code ?? cause.name);
}

/** Starts a file afresh, if its announced size is allowed and fits on the disk. */
async function begin(
  state: PartialState,
  partial: PartialFile,
  maxBytes: number,
  response: Response,
): Promise<void> {
  const { url, totalBytes } = state;
  try {
    if (totalBytes !== null && totalBytes > maxBytes)
      throw tooLarge(url, maxBytes, megabytes(totalBytes));
    if (totalBytes !== null) await assertRoom(partial.path, totalBytes);
  } catch (error) {
    await response.body?.cancel();
    await partial.discard();
    throw error;
  }
  await partial.begin(state).catch((error: unknown) => {
    throw explainedWrite(error, partial.path);
  });
}

function tooLarge(url: string, maxBytes: number, got: string): WeightsError {
  return new DownloadError(
    `pull: ${url}: expected at most ${megabytes(maxBytes)}, got ${got}; the server sends another file`,
  );
}

async function rejectStatus(
  response: Response,
  url: string,
  partial: PartialFile,
  remedy: string,
): Promise<void> {
  const { status } = response;
  if (status === 200) return;
  await response.body?.cancel();
  if (status === 416 || status === 206) {
    await partial.discard(); // the local beginning is longer than the file, or belongs to another file
    throw new Interrupted(`expected the rest of the file, got status ${status}`);
  }
  if (status === 408 || status === 429 || status >= 500) {
    throw new Interrupted(`expected status 200, got ${status}`);
  }
  throw new DownloadError(
    `pull: ${url}: expected status 200, got ${status} ${response.statusText}; ${remedy}`,
  );
}

/** Whether a 206 response is the requested rest of the same file. */
function continues(response: Response, state: PartialState, offset: number): boolean {
  const range = response.headers.get('content-range') ?? '';
  const [, start, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(range) ?? [];
  const etag = response.headers.get('etag');
  const sameVersion = etag === null || state.etag === null || etag === state.etag;
  return Number(start) === offset && Number(total) === state.totalBytes && sameVersion;
}

function stateOf(url: string, response: Response): PartialState {
  // The length of a compressed body is not that of the file.
  const isPlain = /^(identity)?$/.test(response.headers.get('content-encoding') ?? '');
  const length = isPlain ? response.headers.get('content-length') : null;
  return {
    url,
    totalBytes: length === null ? null : Number(length),
    etag: response.headers.get('etag'),
    lastModified: response.headers.get('last-modified'),
  };
}

/** A weak etag does not guarantee equal bytes, so a download cannot be resumed with it. */
function validatorOf(state: PartialState): string {
  const strong = state.etag !== null && !state.etag.startsWith('W/');
  return (strong ? state.etag : state.lastModified) ?? '';
}

/**
 * Appends the body of an answer to a file.
 *
 * @param onBytes called after every piece with the size of the file; an error that it throws ends the download
 * @returns size of the file
 */
async function append(
  response: Response,
  path: string,
  offset: number,
  onBytes: (bytes: number) => void,
): Promise<number> {
  const disk = (error: unknown): never => {
    throw explainedWrite(error, path);
  };
  let received = offset;
  const handle = await open(path, offset > 0 ? 'r+' : 'w').catch(disk);
  try {
    if (!response.body) return received;
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read().catch(interrupt);
      if (done) break;
      if (received === 0) refusePage(response.url, response.headers.get('content-type'), value);
      for (let written = 0; written < value.byteLength;) {
        const rest = value.byteLength - written;
        const at = received + written;
        written += (await handle.write(value, written, rest, at).catch(disk)).bytesWritten;
      }
      received += value.byteLength;
      onBytes(received);
    }
    await handle.sync().catch(disk);
    return received;
  } finally {
    await handle.close();
  }
}
