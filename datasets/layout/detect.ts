import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { ConfigError, InputError, LayoutError, quote } from '../../core/errors.js';
import { inOptions, inOptionWords } from '../../core/option-words.js';
import { drawnLabels } from './drawn-labels.js';
import { forgetListings, unpackedFolder } from './folder-names.js';
import { layoutOf } from './readings.js';
import { settingsAt, withSettings } from './settings.js';
import { withSplitRule } from './split-rule.js';
import { assertLayoutOptions, type DataLayout, type LayoutOptions } from './types.js';

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
  try {
    const data = await findLayout(path, options);
    return { ...data, line: inOptions(data.line).line };
  } catch (error) {
    throw inOptionWords(error);
  }
}

/** Detects a layout as {@link detectLayout} does, with messages in the words of the command line. */
export async function findLayout(path: string, options: LayoutOptions = {}): Promise<DataLayout> {
  assertLayoutOptions(options);
  assertDataExists(path);
  const inner = unpackedFolder(path);
  if (inner === undefined) return layoutAt(path, options);
  try {
    const data = await findLayout(inner, options);
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
