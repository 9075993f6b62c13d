import { request as httpRequest } from 'node:http';
import { get as httpsGet, request as httpsRequest } from 'node:https';
import { isIP, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { ConfigError } from '../../core/errors.js';

/**
 * Downloads through the proxy that the environment names, as curl does: `HTTPS_PROXY`, else `ALL_PROXY`, unless `NO_PROXY`
 * has the host; small letters count first. `fetch` of Node 20 does not look at these.
 */

/** Headers and signal of a request. */
export interface RequestOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** Variables of the environment by name. */
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The proxy for an address. http is for this machine only, to which no proxy is asked.
 *
 * @throws ConfigError for a proxy that is not http or https
 */
export function proxyFor(url: URL, environment: Environment = process.env): URL | undefined {
  const setOf = (...names: readonly string[]): string | undefined =>
    names.find((name) => environment[name] !== undefined && environment[name] !== '');
  const variable = setOf('https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY');
  if (url.protocol !== 'https:' || variable === undefined) return undefined;
  if (isExempt(url, environment[setOf('no_proxy', 'NO_PROXY') ?? ''] ?? '')) return undefined;
  const value = environment[variable] as string;
  const address = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const proxy = URL.canParse(address) ? new URL(address) : undefined;
  if (proxy && /^https?:$/.test(proxy.protocol) && proxy.hostname !== '') return proxy;
  throw new ConfigError(
    `${variable}: expected the address of an http proxy, got ${bare(value)}; or put the file into the cache by other means`,
  );
}

/** Whether a host is in the list of `NO_PROXY`: `*`, hosts, and domains with all hosts in them, optionally with a port. */
function isExempt({ hostname, port }: URL, list: string): boolean {
  const at = port === '' ? '443' : port;
  return list
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .some((entry) => {
      const [, host, ownPort] = /^(.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) as RegExpExecArray;
      if (host === '*') return true;
      if (ownPort !== undefined && ownPort !== at) return false;
      const domain = host.replace(/^\*?\./, '');
      return hostname === domain || hostname.endsWith(`.${domain}`);
    });
}

/** Host without the brackets of an IPv6 address. */
function bareHost({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, '');
}

/** Address without name and password. */
function bare(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//');
}

/**
 * Sends a GET request for an https address through a tunnel of a proxy. Redirects are not followed.
 *
 * @throws ConfigError if the proxy wants another name or password; errors of sockets
 */
export async function fetchThrough(
  proxy: URL,
  url: URL,
  { headers, signal }: RequestOptions,
): Promise<Response> {
  const socket = await tunnel(proxy, url, signal);
  return new Promise((resolve, reject) => {
    const host = bareHost(url);
    const servername = isIP(host) === 0 ? host : undefined;
    const createConnection = (): Socket => tlsConnect({ socket, host, servername });
    const request = httpsGet(url, { headers, signal, createConnection }, (answer) => {
      const { statusCode = 0, statusMessage, rawHeaders } = answer;
      const pairs = rawHeaders.flatMap((name, i): [string, string][] =>
        i % 2 === 0 ? [[name, rawHeaders[i + 1]]] : [],
      );
      const hasBody = ![204, 205, 304].includes(statusCode);
      const body = hasBody ? (Readable.toWeb(answer) as ReadableStream<Uint8Array>) : null;
      resolve(
        new Response(body, { status: statusCode, statusText: statusMessage ?? '', headers: pairs }),
      );
    });
    request.on('error', reject);
  });
}

/** Opens a connection to the server of `url` through the proxy. */
function tunnel(proxy: URL, url: URL, signal: AbortSignal): Promise<Socket> {
  const at = `${url.hostname}:${url.port === '' ? 443 : url.port}`;
  const { username, password } = proxy;
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  const headers = {
    host: at,
    ...(username !== '' && { 'proxy-authorization': `Basic ${login.toString('base64')}` }),
  };
  return new Promise((resolve, reject) => {
    const request = (proxy.protocol === 'https:' ? httpsRequest : httpRequest)({
      ...{ hostname: bareHost(proxy), port: proxy.port },
      ...{ method: 'CONNECT', path: at, headers, signal, agent: false },
    });
    request.on('error', reject);
    request.on('connect', ({ statusCode, statusMessage }, socket) => {
      if (statusCode === 200) return resolve(socket);
      socket.destroy();
      const got = `${statusCode ?? ''} ${statusMessage ?? ''}`.trim();
      const login =
        statusCode === 407
          ? '; put name and password into its address (http://NAME:PASSWORD@HOST)'
          : '';
      reject(
        new ConfigError(
          `pull: expected the proxy ${proxy.host} to reach ${at}, got status ${got}${login}`,
        ),
      );
    });
    request.end();
  });
}
