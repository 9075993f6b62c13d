import { existsSync, statSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { ConfigError, DataError, InputError, LayoutError, quote } from '../../core/errors.js';
import { errorAsValue } from '../problems.js';
import {
  combineCocoFiles,
  partsOfFiles,
  cocoFileLayout,
  cocoFileLayouts,
  cocoLayouts,
  roboflowLayouts,
} from './coco.js';
import { cityscapesLayouts } from './cityscapes.js';
import { cvatFileLayout, cvatLayouts } from './cvat.js';
import { drawnLabels } from './drawn-labels.js';
import { instanceMaskLayouts } from './instance-masks.js';
import { labelMeLayouts } from './labelme.js';
import { ade20kLayouts, folderLayouts, imageNetLayouts } from './folders.js';
import { forgetListings, unpackedFolder } from './folder-names.js';
import {
  assertLayoutOptions,
  type DataLayout,
  type DetectionData,
  type LayoutOptions,
} from './types.js';
import { isSettingsFile, settingsAt, withSettings } from './settings.js';
import { csvLayouts, isViaFile, tableFileLayout, viaLayouts } from './table-files.js';
import { vocLabelLayouts } from './voc-labels.js';
import { vocLayouts } from './voc.js';
import { yamlLayout } from './yaml.js';
import { unknownLayout } from './unknown.js';
import { isYoloFile, yoloLayouts, yoloYamlIn, yoloYamlLayout } from './yolo.js';

/** Layouts that are divided only on request, because they have been so from the beginning. */
const UNDIVIDED: ReadonlySet<string> = new Set<DataLayout['layout']>([
  'coco',
  'roboflow',
  'file',
  'yaml',
  'ade20k',
  'folder',
]);
/** Fraction of the images held out by default. */
const DEFAULT_VAL_FRACTION = 0.2;

/**
 * Detects the layout of a data set: a folder in one of the known layouts, or with nothing but such a folder, a `data.yaml`,
 * or an annotation file.
 *
 * @throws ConfigError if several layouts match (the message lists them), or a validation fraction is given but not needed
 * @throws DataError if no layout matches (the message lists the supported ones), or a file is broken
 *
 * @example
 *   ```ts
 *   const data = await detectLayout('DATA');
 *   console.log(data.kind, data.line);
 *   ```
 */
export async function detectLayout(path: string, options: LayoutOptions = {}): Promise<DataLayout> {
  assertLayoutOptions(options);
  assertDataExists(path);
  const inner = unpackedFolder(path);
  if (inner === undefined) return layoutAt(path, options);
  try {
    const data = await detectLayout(inner, options);
    return { ...data, line: `${data.line}; in ${basename(inner)}/` };
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    // The folder around it may be the set; otherwise the message is about what is in it.
    return await layoutAt(path, options).catch(() => {
      throw error;
    });
  }
}

async function layoutAt(path: string, options: LayoutOptions): Promise<DataLayout> {
  try {
    const settings = settingsAt(path);
    const { classes = settings.classes, kind } = options;
    const found = await layoutOf(path, { ...options, classes });
    const isDrawn = kind === 'segmentation' && found.kind === 'detection';
    const data = isDrawn ? await drawnLabels(found) : found;
    return withSplitRule(withSettings(data, settings), options);
  } finally {
    forgetListings();
  }
}

/** Checks that something is at the path of a data set. @throws DataError, ConfigError if it is no path */
export function assertDataExists(path: string): void {
  if (typeof (path as unknown) !== 'string' || path === '')
    throw new ConfigError(`data: expected the path of a data set, got ${quote(path)}`);
  if (!existsSync(path))
    throw LayoutError.in(path, 'expected a folder, data.yaml or COCO file, got nothing there');
}

async function layoutOf(path: string, options: LayoutOptions): Promise<DataLayout> {
  if (!statSync(path).isDirectory()) {
    switch (extname(path).toLowerCase()) {
      case '.yaml':
      case '.yml':
        return isYoloFile(path) ? yoloYamlLayout(path, options.classes) : yamlLayout(path);
      case '.json':
        return isViaFile(path) ? tableFileLayout('via', path, options) : cocoFileLayout(path);
      case '.csv':
      case '.tsv':
        return tableFileLayout('csv', path, options);
      case '.xml':
        return cvatFileLayout(path, dirname(path), options.classes);
      default:
        throw LayoutError.in(
          path,
          'expected a folder, a data.yaml, or an annotation file of COCO or VIA (.json), CVAT (.xml) or CSV, got another file',
        );
    }
  }
  // A data.yaml takes precedence, but that of a YOLO export may be next to another layout, without its labels.
  const named = ['data.yaml', 'data.yml'].map((name) => join(path, name)).find(existsSync);
  const yaml = named !== undefined && isSettingsFile(named) ? undefined : named;
  if (yaml !== undefined && !isYoloFile(yaml)) return yamlLayout(yaml);
  const yoloFile = yaml ?? yoloYamlIn(path);
  const yolo =
    yoloFile === undefined
      ? undefined
      : await errorAsValue(yoloYamlLayout(yoloFile, options.classes));
  if (yolo && !(yolo instanceof DataError) && (options.layout ?? 'yolo') === 'yolo') return yolo;
  if (yolo instanceof DataError && options.layout === 'yolo') throw yolo;
  const layouts = [...(await cocoLayouts(path)), ...roboflowLayouts(path)];
  const files = layouts.length > 0 ? [] : await cocoFileLayouts(path);
  const found: readonly DataLayout[] = [
    ...layouts,
    ...combined(path, files, options),
    ...ade20kLayouts(path),
    ...folderLayouts(path, options.classes),
    ...vocLabelLayouts(path, options.classes),
    // Without a task, these are the objects of instance masks.
    ...(options.kind === 'segmentation' || options.layout === 'cityscapes'
      ? cityscapesLayouts(path)
      : []),
    ...imageNetLayouts(path),
    ...(await vocLayouts(path, options.classes)),
    ...(await cvatLayouts(path, options.classes)),
    ...(yolo ? [] : await yoloLayouts(path, options.classes)),
    ...(await labelMeLayouts(path, options.classes)),
    ...(await viaLayouts(path, options)),
    ...(await csvLayouts(path, options)),
    ...(await instanceMaskLayouts(path, options.classes)),
  ];
  const candidates = readable(found, path, options);
  if (candidates.length === 1) return candidates[0];
  if (candidates.length > 1) throw severalReadings(candidates, path);
  if (yolo instanceof DataError) throw yolo;
  throw unknownLayout(path);
}

/** Selects the readings of the wanted layout, or of the kind that the command can use, if there are any. */
function readable(
  found: readonly DataLayout[],
  path: string,
  { layout, kind }: LayoutOptions,
): readonly DataLayout[] {
  if (layout !== undefined) {
    const chosen = found.filter((data) => data.layout === layout);
    if (chosen.length > 0) return chosen;
    const got = found.map((data) => `${data.layout} (${data.line})`).join('; ') || 'none';
    throw new ConfigError(`--layout ${layout}: expected a layout that fits ${path}, got ${got}`);
  }
  const usable = found.filter((data) => kind === undefined || data.kind === kind);
  return usable.length > 0 ? usable : found;
}

/** COCO files as parts of one set, if their names say so, or as one set for commands that only inspect. */
function combined(
  path: string,
  files: readonly DetectionData[],
  { several }: LayoutOptions,
): readonly DetectionData[] {
  if (files.length < 2) return files;
  const parts = partsOfFiles(path, files);
  if (parts) return [parts];
  return several ? [combineCocoFiles(path, files)] : files;
}

function severalReadings(candidates: readonly DataLayout[], path: string): ConfigError {
  const layouts = new Set(candidates.map(({ layout }) => layout));
  const isOne = layouts.size < candidates.length;
  const lines = candidates.map(({ layout, line }) =>
    layouts.size === 1 ? line : `${line} (--layout ${layout})`,
  );
  const remedy = isOne
    ? 'Pass the annotation file or folder itself, or a data.yaml that names the parts'
    : `Choose one with --layout ${[...layouts].join('|')}, or pass a data.yaml that names the parts`;
  return ConfigError.in(
    path,
    `expected one data set, got ${candidates.length}: ${lines.join('; ')}. ${remedy}`,
  );
}

function withSplitRule(data: DataLayout, options: LayoutOptions): DataLayout {
  const { valFraction, seed = 0, kind } = options;
  if (valFraction === undefined) return kind === data.kind ? dividedByDefault(data) : data;
  if (!(valFraction > 0 && valFraction < 1))
    throw new ConfigError(`--val-fraction: expected a number between 0 and 1, got ${valFraction}`);
  if (data.kind === 'classification' || 'val' in data.splits || !('train' in data.splits))
    throw new ConfigError(
      `--val-fraction: expected a set without splits to divide, got ${data.line}; leave the option out`,
    );
  const line = `${data.line}; ${valFraction} of the images for validation, seed ${seed}`;
  return { ...data, line, splitRule: { valFraction, seed } };
}

/** Divides a set without validation part. The seed is fixed, so that every command holds out the same images. */
function dividedByDefault(data: DataLayout): DataLayout {
  if (data.kind === 'classification' || UNDIVIDED.has(data.layout)) return data;
  if ('val' in data.splits || !('train' in data.splits)) return data;
  const percent = 100 * DEFAULT_VAL_FRACTION;
  const line = `${data.line}; no validation part: ${percent} % of the images are held out, seed 0 (--val-fraction changes it)`;
  return { ...data, line, splitRule: { valFraction: DEFAULT_VAL_FRACTION, seed: 0 } };
}
