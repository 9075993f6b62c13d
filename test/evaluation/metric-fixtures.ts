import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { METRIC_FIXTURES } from '../helpers/expected-fixtures.js';
import { FIXTURES, reportMissing } from '../helpers/fixtures.js';

/** A json file of metric fixtures: its name for titles, its folder, its content. */
export interface MetricFixture<Json> {
  readonly name: string;
  readonly folder: string;
  readonly json: Json;
}

const ROOT = join(FIXTURES, 'metrics');

/**
 * Every json file below `metrics/` whose path inside a folder `kind` satisfies `accept`.
 *
 * @throws Error if a committed file is missing or not listed
 */
export function discoverMetricFixtures<Json>(
  kind: string,
  accept: (file: string) => boolean,
): readonly MetricFixture<Json>[] {
  const isOfKind = (name: string): boolean =>
    name.endsWith('.json') && name.split('/').includes(kind) && accept(basename(name));
  const found = walk(ROOT)
    .map((file) => relative(ROOT, file))
    .filter(isOfKind);
  reportMissing(`metrics/${kind}`, found, METRIC_FIXTURES.filter(isOfKind));
  return found.map((name) => ({
    name,
    folder: dirname(join(ROOT, name)),
    json: JSON.parse(readFileSync(join(ROOT, name), 'utf8')) as Json,
  }));
}

function walk(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) =>
      entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)],
    );
}
