import { createServer as createPlainServer, type Server } from 'node:http';
import { createServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { afterAll } from 'vitest';

/** Key and certificate of the servers of these tests alone; nobody trusts it. */
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgpfeFZ1iZ9RGzx2Gr
xvVnTanellOit6r+Jw47T7rFESyhRANCAASeMj8fhQQ4Xn4Ss3dP+pq7l6i40OI0
QPYwITB/ASoRC6Vd2Vhhazp8zLQQTZn+71XJKge/TrLhQ5ppvdWwe7+V
-----END PRIVATE KEY-----`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBmzCCAUGgAwIBAgIUCX2tJZWQBRalrvO4D58kOT13mrYwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyOTE0MzM1M1oYDzIxMjYxMTA1
MTQzMzUzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASeMj8fhQQ4Xn4Ss3dP+pq7l6i40OI0QPYwITB/ASoRC6Vd2Vhhazp8
zLQQTZn+71XJKge/TrLhQ5ppvdWwe7+Vo28wbTAdBgNVHQ4EFgQUSdrDkzqw3+70
F4UKBssyGDrsKXYwHwYDVR0jBBgwFoAUSdrDkzqw3+70F4UKBssyGDrsKXYwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSAAwRQIgfOG9pa8g9yN9ZwZ4wRl1+BKHFB/3EqjI90ZplYsCELgCIQDS
Y9zq+LUnHvHO111lgmVA1a/ygr5Ts4Pwa0kidf9zwg==
-----END CERTIFICATE-----`;

/** A server on 127.0.0.1. */
interface LocalServer {
  readonly port: number;
}

async function listening(server: Server): Promise<LocalServer> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port };
}

/** An https server that answers every GET with `content`, in ranges, and cuts the first answer after so many bytes. */
export function startSecureServer(content: Uint8Array, cutAfter = Infinity): Promise<LocalServer> {
  let cut = cutAfter;
  const server = createServer({ key: KEY, cert: CERTIFICATE }, (request, response) => {
    const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const length = content.length - from;
    const range = { 'content-range': `bytes ${from}-${content.length - 1}/${content.length}` };
    response.writeHead(from > 0 ? 206 : 200, {
      etag: '"a"',
      'content-length': length,
      ...(from > 0 && range),
    });
    if (length <= cut) return void response.end(content.subarray(from));
    response.write(content.subarray(from, from + cut), () =>
      setTimeout(() => response.destroy(), 50),
    );
    cut = Infinity;
  });
  return listening(server as unknown as Server);
}

/** A proxy and the questions that it got. */
interface ProxyServer extends LocalServer {
  readonly asked: { readonly host: string; readonly login: string | undefined }[];
}

/** A proxy whose tunnels all lead to `target`, whatever host is asked; it answers `status`, without a tunnel, if given. */
export async function startProxy(target: LocalServer, status?: number): Promise<ProxyServer> {
  const asked: ProxyServer['asked'] = [];
  const server = createPlainServer((_, response) => void response.writeHead(405).end());
  server.on('connect', (request, socket) => {
    asked.push({ host: request.url ?? '', login: request.headers['proxy-authorization'] });
    if (status !== undefined) return void socket.end(`HTTP/1.1 ${status} no\r\n\r\n`);
    const onward = connect(target.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('error', () => onward.destroy());
  });
  return { ...(await listening(server)), asked };
}
