import { existsSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { ConfigError, DataError, LayoutError } from '../../core/errors.js';
import { errorAsValue } from '../problems.js';
import {
  combineCocoFiles,
  partsOfFiles,
  cocoFileLayout,
  brokenCocoFile,
  cocoFileLayouts,
  cocoLayouts,
  roboflowLayouts,
} from './coco.js';
import { cityscapesLayouts } from './cityscapes.js';
import { cvatFileLayout, cvatLayouts } from './cvat.js';
import { instanceMaskLayouts } from './instance-masks.js';
import { labelMeLayouts } from './labelme.js';
import { ade20kLayouts, folderLayouts, imageNetLayouts } from './folders.js';
import { startOf } from './folder-names.js';
import type { DataLayout, DetectionData, LayoutOptions } from './types.js';
import { isSettingsFile } from './settings.js';
import { csvLayouts, isViaFile, tableFileLayout, viaLayouts } from './table-files.js';
import { vocLabelLayouts } from './voc-labels.js';
import { vocLayouts } from './voc.js';
import { yamlLayout } from './yaml.js';
import { unknownLayout } from './unknown.js';
import { isYoloFile, yoloLayouts, yoloYamlIn, yoloYamlLayout } from './yolo.js';

/**
 * Reads the layout of a folder, a `data.yaml` or an annotation file.
 *
 * @throws ConfigError if several layouts match, DataError if none does
 */
export async function layoutOf(path: string, options: LayoutOptions): Promise<DataLayout> {
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
        if (/<annotation\b/.test(startOf(path)))
          throw LayoutError.in(
            path,
            `expected a set, got the Pascal VOC file of one image; pass its folder: ${dirname(path)}`,
          );
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
  throw (await brokenCocoFile(path)) ?? unknownLayout(path);
}

/** Selects the readings of the wanted layout, or of the kind that the command can use, if there are any. */
function readable(
  found: readonly DataLayout[],
  path: string,
  { layout, kind }: LayoutOptions,
): readonly DataLayout[] {
  if (layout !== undefined) {
    const chosen = found.filter((data) => data.layout === layout);
    if (chosen.length > 0 || found.length === 0) return chosen;
    const got = found.map((data) => `${data.layout} (${data.line})`).join('; ');
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
