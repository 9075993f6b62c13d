import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { FIXTURES, reportAbsent } from '../helpers/fixtures.js';

/** A json file of metric fixtures: its name for titles, its folder, its content. */
export interface MetricFixture<Json> {
  readonly name: string;
  readonly folder: string;
  readonly json: Json;
}

const ROOT = join(FIXTURES, 'metrics');

/**
 * Every json file below `metrics/` whose path inside a folder `kind` satisfies `accept`.
 * @throws Error if the committed fixtures have none
 */
export function discoverMetricFixtures<Json>(
  kind: string,
  accept: (file: string) => boolean,
): readonly MetricFixture<Json>[] {
  const found = walk(ROOT)
    .filter((file) => file.endsWith('.json') && relative(ROOT, file).split('/').includes(kind))
    .filter((file) => accept(file.split('/').at(-1) ?? ''))
    .map((file) => ({
      name: relative(ROOT, file),
      folder: dirname(file),
      json: JSON.parse(readFileSync(file, 'utf8')) as Json,
    }));
  if (found.length === 0) reportAbsent(`metrics/${kind}`);
  return found;
}

function walk(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) =>
      entry.isDirectory() ? walk(join(folder, entry.name)) : [join(folder, entry.name)],
    );
}
