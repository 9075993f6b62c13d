import { isRecord } from '../core/foreign-value.js';
import * as t from '../core/schema.js';
import { median } from '../core/statistics.js';
import { RUN_CONFIG } from '../io/files/run-mark.js';
import { readCheckedJson } from '../io/checked-json.js';
import { escapeHtml } from './page/html.js';
import { runFile, type MetricsRecord } from '../io/run-folder.js';
import type { RunResult } from './run-result.js';
import { formatNumber } from './svg-axis.js';

/** Values of a run's `config.json` that reports show. */
export type StoredConfig = t.Infer<typeof Stored>;
const Stored = t.withUnknownFields(
  t.record({
    recipe: t.STRING,
    data: t.STRING,
    seed: t.number(),
    weights: t.orNull(t.STRING),
    weightsSha256: t.optional(t.orNull(t.STRING)),
    /** Length by a given time or number of images, if it was chosen so. */
    length: t.optional(
      t.orNull(t.record({ layout: t.optional(t.orNull(t.record({ steps: t.whole(0) }))) })),
    ),
    config: t.dictionary<unknown>({}),
    sources: t.dictionary(t.STRING),
    environment: t.optional(t.dictionary<string | number>({ type: ['string', 'number'] })),
  }),
);

/** Reads the configuration of a run folder, or returns undefined. @throws DataError if the file is damaged */
export function readStoredConfig(folder: string): StoredConfig | undefined {
  return readCheckedJson(runFile(folder, RUN_CONFIG), Stored, 'the configuration of a run');
}

/**
 * Number of steps that a run was to have: as planned for its time or its images, as configured, or by the epochs of its last
 * record; undefined if nothing says it.
 */
export function plannedSteps(
  { config, length }: Pick<StoredConfig, 'config' | 'length'>,
  records: readonly MetricsRecord[],
): number | undefined {
  const { steps, epochs } = config;
  const planned = length?.layout?.steps ?? steps;
  if (typeof planned === 'number') return planned;
  const last = records.at(-1);
  if (typeof epochs !== 'number' || last === undefined || !(last.epoch > 0)) return undefined;
  return Math.round((last.step * epochs) / last.epoch);
}

/** Creates the table of the merged configuration; values that differ from the recipe come first. */
export function configTable({ recipe, config, sources }: StoredConfig): string {
  const leaves = flattenConfig(config).map(
    ([path, value]) =>
      [path, JSON.stringify(value), Object.hasOwn(sources, path) ? sources[path] : ''] as const,
  );
  const isOwn = ([, , source]: readonly [string, string, string]): boolean =>
    source !== `recipe ${recipe}`;
  const changed = leaves.filter(isOwn);
  const rest = leaves.filter((leaf) => !isOwn(leaf));
  const lead =
    changed.length === 0
      ? '<p>As in the recipe.</p>'
      : `<div class="card"><h3>Set for this run</h3>${rows(changed)}</div>`;
  return `${lead}<details><summary>${rest.length} values of recipe ${escapeHtml(recipe)}</summary><div class="card">${rows(rest.map(([path, value]) => [path, value]))}</div></details>`;
}

/** Creates the table of environment and times of the run. */
export function factsTable(
  config: StoredConfig | undefined,
  result: RunResult | undefined,
  records: readonly MetricsRecord[],
): string {
  const speeds = records.flatMap((r) => (r.kind === 'train' ? [r.imagesPerSecond] : []));
  const waits = records.flatMap((r) => (r.kind === 'train' ? [r.dataWait] : []));
  const memory = records.flatMap((r) => (r.kind === 'train' ? [r.rssBytes] : []));
  const facts: (readonly [string, string] | undefined)[] = [
    config && ['data', config.data],
    config && ['weights', config.weights ?? 'none: from scratch'],
    config?.weightsSha256 ? ['weights sha256', config.weightsSha256] : undefined,
    config && ['seed', String(config.seed)],
    ...Object.entries(config?.environment ?? {}).map(
      ([name, value]) => [name, String(value)] as const,
    ),
    speeds.length > 0
      ? ['images per second, median', formatNumber(Number(median(speeds).toPrecision(3)))]
      : undefined,
    waits.length > 0
      ? [
          'waiting for data, mean',
          `${((100 * waits.reduce((sum, w) => sum + w, 0)) / waits.length).toFixed(1)} %`,
        ]
      : undefined,
    ...Object.entries(result?.seconds ?? {}).map(
      ([part, seconds]) => [`${part}, wall time`, duration(seconds)] as const,
    ),
    result && ['processor time', duration(result.cpuSeconds)],
    result?.learning === undefined ? undefined : ['learning', result.learning],
    result?.overfit === undefined ? undefined : ['overfit', result.overfit],
    memory.length > 0 || result
      ? [
          'peak memory',
          `${(memory.reduce((most, bytes) => Math.max(most, bytes), result?.peakMemoryBytes ?? 0) / 2 ** 20).toFixed(0)} MiB`,
        ]
      : undefined,
  ];
  const known = facts.filter((fact) => fact !== undefined);
  return known.length === 0 ? '' : `<div class="card">${rows(known)}</div>`;
}

function rows(lines: readonly (readonly string[])[]): string {
  const cells = lines.map(
    ([name, ...values]) =>
      `<tr><th scope="row">${escapeHtml(name)}</th>${values.map((value) => `<td class="v">${escapeHtml(value)}</td>`).join('')}</tr>`,
  );
  return `<div class="scroll"><table class="facts"><tbody>${cells.join('')}</tbody></table></div>`;
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 120 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Flattens a configuration to its values by path. */
export function flattenConfig(
  config: Readonly<Record<string, unknown>>,
): readonly (readonly [path: string, value: unknown])[] {
  return Object.entries(config).flatMap(([key, value]) =>
    isRecord(value)
      ? flattenConfig(value).map(([path, leaf]) => [`${key}.${path}`, leaf] as const)
      : [[key, value] as const],
  );
}
