import { existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { ConfigError, LayoutError, type DataError } from '../../core/errors.js';
import * as t from '../../core/schema.js';
import type { PixelRange } from '../../io/image/range.js';
import { compileSchema, formatProblems } from '../../io/schema.js';
import { readYaml } from '../../io/yaml/read.js';
import { isYoloYaml } from '../../io/yolo/data-yaml.js';
import { IGNORED_LABEL } from '../../core/image.js';
import { readClassNames } from '../class-names.js';
import type { FolderSource } from '../segmentation-folder.js';
import { labelOfName } from '../segmentation-source.js';
import type { DataLayout } from './types.js';

/** Names, or a file with one per line. */
const Classes: t.Schema<readonly string[] | string> = {
  if: { type: 'string' },
  else: t.list(t.TEXT),
};

/** Meaning of a set's labels and pixels: in a `data.yaml` with its parts, or alone beside any layout. */
export const Settings = t.record({
  classes: t.optional(Classes),
  /** Values of the classes in label files, by name. */
  values: t.optional(t.dictionary(t.whole(0, 65535))),
  /** Colors of the classes in label files, by name; `ignore` is left out. */
  colors: t.optional(t.dictionary(t.list(t.whole(0, 255), 3))),
  /** Values that become 0 and 255 in images of more than 8 bits. */
  range: t.optional(t.list(t.number(), 2)),
});
export type Settings = t.Infer<typeof Settings>;

const FIELDS = Object.keys(Settings['properties'] as object);

/** Settings of a `data.yaml` without parts. */
export interface DataSettings {
  readonly classes?: readonly string[] | undefined;
  readonly labels?: Pick<FolderSource, 'classes' | 'values' | 'colors'> | undefined;
  readonly range?: PixelRange | undefined;
}

/** Whether a YAML file has only settings, for the layout of its folder. */
export const isSettingsFile = (file: string): boolean => isSettings(readYaml(file));

function isSettings(content: unknown): boolean {
  const keys = typeof content === 'object' && content !== null ? Object.keys(content) : [];
  return keys.length > 0 && keys.every((key) => FIELDS.includes(key));
}

/**
 * Reads the settings at the path of a data set: those of a `data.yaml` that has nothing else, and the range of one of YOLO.
 *
 * @throws DataError if they do not fit
 */
export function settingsAt(path: string): DataSettings {
  const file = /\.ya?ml$/i.test(path)
    ? path
    : ['data.yaml', 'data.yml'].map((name) => join(path, name)).find(existsSync);
  const content = file === undefined ? undefined : readYaml(file);
  if (file === undefined || !(isSettings(content) || isYoloYaml(content))) return {};
  const fields = isYoloYaml(content) ? { range: (content as Settings).range } : content;
  const wrong = (message: string): DataError => LayoutError.in(file, message);
  const given = Object.fromEntries(
    Object.entries(fields as object).filter(([, v]) => v !== undefined),
  );
  const problems = compileSchema(Settings)(given);
  if (problems.length > 0) throw wrong(formatProblems(problems));
  const settings = given as Settings;
  const { range, values, colors } = settings;
  assertRange(range, wrong);
  const classes =
    typeof settings.classes === 'string'
      ? readClassNames(resolve(dirname(file), settings.classes))
      : settings.classes;
  const labels = values || colors ? labelsIn(settings, classes, wrong) : undefined;
  return { classes: classes ?? labels?.classes, labels, range };
}

/** Applies settings to a set in any layout. @throws ConfigError for a kind of set that they do not concern */
export function withSettings(data: DataLayout, { labels, range }: DataSettings): DataLayout {
  if (!labels && !range) return data;
  const misfit = (key: string, got: string): ConfigError =>
    ConfigError.in(data.root, `${key} in data.yaml: expected another set with it, got ${got}`);
  switch (data.kind) {
    case 'classification':
      throw misfit(
        range ? 'range' : 'values or colors',
        'one to classify, whose images are read as by timm',
      );
    case 'detection': {
      if (labels) throw misfit('values or colors', 'objects');
      const splits = Object.entries(data.splits).map(([split, source]) => [
        split,
        { ...source, range },
      ]);
      return { ...data, splits: Object.fromEntries(splits) as typeof data.splits };
    }
    case 'segmentation': {
      const splits = Object.entries(data.splits).map(([split, source]) => {
        if (!('regions' in source)) return [split, { ...source, range, ...labels }];
        if (labels) throw misfit('values or colors', 'polygons and masks');
        return [split, { ...source, regions: { ...source.regions, range } }];
      });
      return { ...data, splits: Object.fromEntries(splits) as typeof data.splits };
    }
    default:
      return data satisfies never;
  }
}

/** @throws DataError unless the range ascends */
export function assertRange(
  range: PixelRange | undefined,
  wrong: (message: string) => DataError,
): void {
  if (range && range[0] >= range[1])
    throw wrong(`range: expected [lowest, highest], got [${range.join(', ')}]`);
}

/** Names of the classes, and their values or colors in label files. */
export function labelsIn(
  {
    values,
    colors,
    reduceZeroLabel,
  }: Pick<Settings, 'values' | 'colors'> & {
    readonly reduceZeroLabel?: boolean | undefined;
  },
  listed: readonly string[] | undefined,
  wrong: (message: string) => DataError,
): Pick<FolderSource, 'classes' | 'values' | 'colors'> {
  if (values && colors) throw wrong('expected values or colors of the classes, got both');
  const table = values ?? colors;
  if (!table) {
    if (!listed) throw wrong('classes: expected the names of the classes, got none');
    return { classes: listed };
  }
  const key = values ? 'values' : 'colors';
  if (reduceZeroLabel) throw wrong(`${key}: expected no reduceZeroLabel with it, got true`);
  const names = Object.keys(table).filter((name) => labelOfName(name) !== IGNORED_LABEL);
  const classes = listed ?? names;
  const missing = classes.find((name) => !names.includes(name));
  const unknown = names.find((name) => !classes.includes(name));
  if (missing ?? unknown)
    throw wrong(
      `${key}: expected one of every class (${classes.join(', ')}), got ${names.join(', ')}`,
    );
  if (values) return { classes, values: classes.map((name) => values[name]) };
  const entries = Object.entries(colors ?? {});
  const labeled = entries.map(([name, rgb]) => {
    const index = classes.indexOf(name);
    return { rgb, label: index < 0 ? IGNORED_LABEL : index };
  });
  return { classes, colors: labeled };
}
