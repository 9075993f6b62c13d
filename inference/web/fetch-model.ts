import { WeightsError } from '../../core/errors.js';

/** Options of {@link fetchModel}. */
export interface FetchOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called as bytes arrive. @param total undefined if the server does not say it */
  readonly onProgress?: ((loaded: number, total: number | undefined) => void) | undefined;
}

/**
 * Fetches a model file.
 *
 * @throws WeightsError if the server does not answer with the whole file; the signal's reason
 */
export async function fetchModel(
  url: string,
  { signal, onProgress }: FetchOptions = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const response = await fetch(url, { signal: signal ?? null }).catch((cause: unknown) => {
    if (signal?.aborted) throw cause;
    throw WeightsError.in(url, 'expected the model file, got no answer (offline, or CORS)', {
      cause,
    });
  });
  if (!response.ok || !response.body)
    throw WeightsError.in(url, `expected the model file, got HTTP ${response.status}`);
  if (response.headers.get('content-type')?.startsWith('text/html'))
    throw WeightsError.in(url, 'expected the model file, got a web page');
  // The length is that of the compressed bytes if the server compresses.
  const isPlain = response.headers.get('content-encoding') === null;
  const length = Number(response.headers.get('content-length'));
  const total = isPlain && length > 0 ? length : undefined;
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let loaded = 0;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    loaded += value.length;
    onProgress?.(loaded, total);
  }
  if (total !== undefined && loaded !== total)
    throw WeightsError.in(url, `expected ${total} bytes, got ${loaded}; the answer was cut off`);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
