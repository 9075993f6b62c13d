import { numElements } from '../../core/shape.js';
import { DownloadError } from '../../core/errors.js';
import type { CatalogEntry } from '../catalog.js';
import { withWeights } from '../open.js';
import { selectWeights } from '../select.js';
import { summarizeWeights } from '../verify.js';
import { megabytes } from './disk.js';
import type { PullOptions } from './pull.js';
import { secureUrl } from './request.js';

/** Values of tensors that are no parameters: running statistics and counters of batch norms. */
const STATISTICS = /(^|\.)(running_mean|running_var|num_batches_tracked)$/;

/** Factor by which a file may be larger than its parameters: with the states of an optimizer, and room. */
const SIZE_FACTOR = 4;

/** Describes license and use in one line. */
export function licenseLine({ name, license }: CatalogEntry): string {
  const limit = license === 'CC-BY-NC-4.0' ? ' (not for commercial use)' : '';
  return `${name}: official weights, license ${license}${limit}`;
}

/** Describes a file in one line before it is pulled. */
export function pullLine({ name, approximateBytes }: CatalogEntry, url: string): string {
  return `${name}: pulling about ${megabytes(approximateBytes)} from ${url}`;
}

/**
 * Source, checks and largest size of a published file.
 *
 * @param mirror server with the same paths; default: that of `CONVNEXTV2_MIRROR`, else the publisher's
 * @throws ConfigError for a mirror without https
 */
export function pullPlan(
  entry: CatalogEntry,
  mirror = process.env['CONVNEXTV2_MIRROR'],
): { readonly source: CatalogEntry } & Required<Pick<PullOptions, 'maxBytes' | 'check'>> {
  return {
    source: { ...entry, url: mirrored(entry.url, mirror) },
    maxBytes: SIZE_FACTOR * entry.approximateBytes + 2 ** 26,
    check: (file) => checkPublished(file, entry),
  };
}

/** Replaces the server of a URL. */
function mirrored(url: string, mirror: string | undefined): string {
  if (mirror === undefined || mirror === '') return url;
  return secureUrl(mirror, 'mirror').href.replace(/\/$/, '') + new URL(url).pathname;
}

/**
 * Checks that a file is the published network and arrived whole: checksums that the container holds; names and shapes of a
 * V2 classifier or encoder; the number of parameters of the others, whose names are checked when they are loaded.
 */
async function checkPublished(file: string, entry: CatalogEntry): Promise<void> {
  const { version, numParameters, name, size } = entry;
  if (version === 2) {
    await withWeights(file, async (source) => source.check?.());
    await summarizeWeights(file, { size });
    return;
  }
  const got = await withWeights(file, async (source) => {
    await source.check?.();
    const { tensors } = selectWeights(source);
    return [...tensors]
      .filter(([path]) => !STATISTICS.test(path))
      .reduce((sum, [, { shape }]) => sum + numElements(shape), 0);
  });
  if (got !== numParameters)
    throw DownloadError.in(file, `expected the ${numParameters} parameters of ${name}, got ${got}`);
}
