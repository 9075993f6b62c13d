import { ConfigError, DownloadError } from '../../core/errors.js';
import { fetchThrough, proxyFor, type RequestOptions } from './proxy.js';

/** Hosts of the publishers, and those that they keep their files on. */
const HOSTS = [
  /^dl\.fbaipublicfiles\.com$/,
  /^download\.openmmlab\.com$/,
  /^(.+\.)?huggingface\.co$/,
  /^(.+\.)?hf\.co$/,
];

/** Largest number of redirects of one request. */
const MAX_REDIRECTS = 5;

/**
 * Sends a GET request over https and follows redirects to the same host or to hosts of the publishers; http is accepted
 * only on this machine.
 *
 * @throws WeightsError for a redirect to another host, from https to http, or for too many; TypeError if the server
 *   cannot be reached
 */
export async function request(url: string, options: RequestOptions): Promise<Response> {
  const first = secureUrl(url, 'pull');
  let at = first;
  for (let hop = 0; hop <= MAX_REDIRECTS; hop++) {
    const proxy = proxyFor(at);
    const response = proxy
      ? await fetchThrough(proxy, at, options)
      : await fetch(at, { ...options, redirect: 'manual' });
    if (![301, 302, 303, 307, 308].includes(response.status)) return response;
    await response.body?.cancel();
    const next = targetOf(response, at);
    const isSame =
      next.host === first.host && (next.protocol === first.protocol || next.protocol === 'https:');
    const isKnown = next.protocol === 'https:' && HOSTS.some((host) => host.test(next.hostname));
    if (!isSame && !isKnown)
      throw new DownloadError(
        `pull: ${url}: expected the file from ${first.host} or another host of the publishers over https, got a redirect to ${next.protocol}//${next.host}; ` +
          'download it by other means if you trust that address',
      );
    at = next;
  }
  throw new DownloadError(`pull: ${url}: expected at most ${MAX_REDIRECTS} redirects, got more`);
}

/**
 * Parses the address of a file or server.
 *
 * @param where for messages
 * @throws ConfigError unless it is https, or http on this machine
 */
export function secureUrl(url: string, where: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const isLocal =
    parsed?.protocol === 'http:' && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(parsed.hostname);
  if (parsed && (parsed.protocol === 'https:' || isLocal)) return parsed;
  throw new ConfigError(
    `${where}: expected an address that begins with https:// (or http://localhost), got ${url}`,
  );
}

function targetOf(response: Response, at: URL): URL {
  const location = response.headers.get('location') ?? '';
  if (location !== '' && URL.canParse(location, at)) return new URL(location, at);
  throw new DownloadError(
    `pull: ${at.href}: expected a redirect with an address, got "${location}"`,
  );
}
