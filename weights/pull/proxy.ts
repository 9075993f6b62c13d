import { get } from 'node:https';
import { Readable } from 'node:stream';
import { HttpsProxyAgent } from 'https-proxy-agent';
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

/** Address without name and password. */
function bare(address: string): string {
  return address.replace(/\/\/[^/@]*@/, '//');
}

/**
 * Sends a GET request for an https address through a tunnel of a proxy. Redirects are not followed.
 *
 * @throws ConfigError if the proxy refuses; errors of sockets
 */
export function fetchThrough(
  proxy: URL,
  url: URL,
  { headers, signal }: RequestOptions,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const agent = new HttpsProxyAgent(proxy);
    const request = get(url, { headers, signal, agent }, (answer) => {
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
    agent.on('proxyConnect', ({ statusCode, statusText }: ProxyAnswer) => {
      if (statusCode !== 200) request.destroy(refusal(proxy, url, `${statusCode} ${statusText}`));
    });
    request.on('error', reject);
  });
}

/** Answer of a proxy to the request for a tunnel. */
interface ProxyAnswer {
  readonly statusCode: number;
  readonly statusText: string;
}

function refusal(proxy: URL, url: URL, status: string): ConfigError {
  const at = `${url.hostname}:${url.port === '' ? 443 : url.port}`;
  const remedy = '; put name and password into its address (http://NAME:PASSWORD@HOST)';
  return new ConfigError(
    `pull: expected the proxy ${proxy.host} to reach ${at}, got status ${status.trim()}` +
      (status.startsWith('407') ? remedy : ''),
  );
}
