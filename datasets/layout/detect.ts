import { existsSync, statSync } from 'node:fs';
import { extname, join } from 'node:path';
import { ConfigError, DataError } from '../../core/errors.js';
import {
  combineCocoFiles,
  cocoFileLayout,
  cocoFileLayouts,
  cocoLayouts,
  roboflowLayouts,
} from './coco.js';
import { ade20kLayouts, folderLayouts, imageNetLayouts } from './folders.js';
import type { DataLayout, LayoutOptions } from './types.js';
import { isYoloYaml, yamlLayout } from './yaml.js';

/** Supported layouts, for the message if none matches. */
const LOOKED_FOR = [
  'annotations/instances_{train,val}*.json (COCO)',
  'train|valid|test/_annotations.coco.json (Roboflow)',
  'one COCO annotation file *.json',
  'images/ and annotations/{training,validation}/ (ADE20K)',
  'images/, labels/ and classes.txt (segmentation)',
  'train/ and val/ with a folder a class, or images with labels.json (ImageNet)',
  'data.yaml ({train: {annotations, images}, val: {…}})',
];

/**
 * Detects the layout of a data set: a folder in one of the known layouts, a `data.yaml`, or a COCO annotation file.
 *
 * @throws ConfigError if several layouts match (the message lists them), or a validation fraction is given but not needed
 * @throws DataError if no layout matches (the message lists the supported ones), or a file is broken
 */
export async function detectLayout(path: string, options: LayoutOptions = {}): Promise<DataLayout> {
  if (!existsSync(path))
    throw DataError.in(path, 'expected a folder, data.yaml or COCO file, got nothing there');
  return withSplitRule(await layoutOf(path, options), options);
}

async function layoutOf(path: string, options: LayoutOptions): Promise<DataLayout> {
  if (!statSync(path).isDirectory()) {
    switch (extname(path).toLowerCase()) {
      case '.yaml':
      case '.yml':
        return yamlLayout(path);
      case '.json':
        return cocoFileLayout(path);
      default:
        throw DataError.in(
          path,
          'expected a folder, a data.yaml or a COCO annotation file (.json), got another file',
        );
    }
  }
  // A data.yaml takes precedence, but a folder may contain that of a YOLO export next to another layout.
  const yaml = ['data.yaml', 'data.yml'].map((name) => join(path, name)).find(existsSync);
  const isYolo = yaml !== undefined && isYoloYaml(yaml);
  if (yaml !== undefined && !isYolo) return yamlLayout(yaml);
  const layouts = [...(await cocoLayouts(path)), ...roboflowLayouts(path)];
  const files = layouts.length > 0 ? [] : await cocoFileLayouts(path);
  const candidates: readonly DataLayout[] = [
    ...layouts,
    ...(files.length > 1 && options.several ? [combineCocoFiles(path, files)] : files),
    ...ade20kLayouts(path),
    ...folderLayouts(path),
    ...imageNetLayouts(path),
  ];
  if (candidates.length === 1) return candidates[0];
  if (candidates.length > 1)
    throw ConfigError.in(
      path,
      `expected one data set, got ${candidates.length}: ${candidates.map(({ line }) => line).join('; ')}. Pass the annotation file itself, or a data.yaml that names the parts`,
    );
  if (yaml !== undefined) return yamlLayout(yaml); // throws with the reason
  throw DataError.in(path, `expected a data set, looked for ${LOOKED_FOR.join('; ')}`);
}

function withSplitRule(data: DataLayout, { valFraction, seed = 0 }: LayoutOptions): DataLayout {
  if (valFraction === undefined) return data;
  if (!(valFraction > 0 && valFraction < 1))
    throw new ConfigError(`--val-fraction: expected a number between 0 and 1, got ${valFraction}`);
  if (data.kind === 'classification' || 'val' in data.splits || !('train' in data.splits))
    throw new ConfigError(
      `--val-fraction: expected a set without splits to divide, got ${data.line}; leave the option out`,
    );
  const line = `${data.line}; ${valFraction} of the images for validation, seed ${seed}`;
  return { ...data, line, splitRule: { valFraction, seed } };
}
