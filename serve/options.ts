import { basename, resolve } from 'node:path';
import { OptionError } from '../core/errors.js';
import type { RequestLimits } from './images-of-request.js';
import type { NamedModel, ServedModelOptions, ThreadSetup } from './messages.js';

/** Options of {@link startServer}. */
export interface ServeOptions extends RequestLimits, Pick<ThreadSetup, 'score' | 'batchMs'> {
  /** Run folders, files or official names, each optionally as `NAME=MODEL`. */
  readonly models: readonly string[];
  readonly host: string;
  /** 0 chooses a free one. */
  readonly port: number;
  /** Token that requests must bear; everything is open without it. */
  readonly token?: string | undefined;
  /** Largest number of images that wait or run; more are answered with 503. */
  readonly queue: number;
  /** Time limit of a request after its body, and of the body itself. */
  readonly timeoutMs: number;
  readonly model: ServedModelOptions;
  readonly onNotice?: ((line: string) => void) | undefined;
}

/** Characters that a path segment of a URL has as they are. */
const NAME = /^[\w.~-]+$/;

/**
 * Names the models: `NAME=MODEL`, or the last part of the path without the extension of a weight file.
 *
 * @throws ConfigError for two models of one name, or a name that does not fit into a URL
 */
export function nameModels(models: readonly string[]): readonly NamedModel[] {
  const named = models.map((model) => {
    const explicit = /^([^/\\=]+)=(.+)$/.exec(model);
    if (explicit) return { name: explicit[1], path: explicit[2] };
    const name = basename(resolve(model)).replace(/\.(safetensors|pth|pt|bin)$/i, '');
    return { name, path: model };
  });
  const seen = new Map<string, string>();
  for (const { name, path } of named) {
    if (!NAME.test(name))
      throw new OptionError(
        `serve: expected a name of letters, digits and . _ ~ -, got ${JSON.stringify(name)}; name the model: NAME=${path}`,
      );
    const other = seen.get(name);
    if (other !== undefined)
      throw new OptionError(
        `serve: expected models with different names, got ${name} for ${other} and ${path}; name one of them: NAME=${path}`,
      );
    seen.set(name, path);
  }
  return named;
}

/** @throws ConfigError for options out of range */
export function assertServeOptions(options: ServeOptions): void {
  const { models, port, token, score = 0, batchMs = 0 } = options;
  if (models.length === 0) throw new OptionError('serve: expected a model, got none');
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new OptionError(`--port: expected a whole number from 0 to 65535, got ${port}`);
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token))
    throw new OptionError(
      `--token: expected printable characters without spaces, got ${token === '' ? 'an empty text (of $CONVNEXTV2_TOKEN?)' : 'others'}`,
    );
  if (!(score >= 0 && score <= 1))
    throw new OptionError(`--score: expected a number from 0 to 1, got ${score}`);
  if (!(batchMs >= 0 && batchMs <= options.timeoutMs))
    throw new OptionError(`--batch-ms: expected 0 to the --timeout, got ${batchMs}`);
  const counts = {
    '--queue': options.queue,
    '--max-body': options.maxBodyBytes,
    '--max-pixels': options.maxPixels,
    '--max-images': options.maxImages,
    '--timeout': options.timeoutMs,
  };
  for (const [flag, value] of Object.entries(counts))
    if (!(value >= 1 && value <= Number.MAX_SAFE_INTEGER))
      throw new OptionError(`${flag}: expected a number from 1, got ${value}`);
}
