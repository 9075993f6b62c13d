import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readWhole } from '../../io/files/read.js';
import { readPngParts } from '../../io/png/chunks.js';
import { VOC_CLASSES, vocColor } from '../classes/voc.js';
import type { LabelColor } from '../label-numbers.js';
import { IGNORED_LABEL } from '../../core/image.js';
import { readClassNames } from '../class-names.js';
import type { FolderSource } from '../segmentation-folder.js';
import { labelOfName } from '../segmentation-source.js';
import { firstFile, folderNamed, IMAGE_FOLDERS } from './folder-names.js';
import { segmentationData } from './folders.js';
import { readLabelTable, type NamedLabels } from './label-table.js';
import { listFolder, splitLists, vocFolders } from './split-names.js';
import type { SegmentationData } from './types.js';

const LABEL_FOLDERS = ['SegmentationClass', 'SegmentationClassPNG', 'SegmentationClassRaw'];
const isPng = (name: string): boolean => /\.png$/i.test(name);

/**
 * Labels as of Pascal VOC: `JPEGImages/`, `SegmentationClass/` with PNGs whose palette index is the class, and lists in
 * `ImageSets/Segmentation`; 255 is ignored. Class names are those of `class_names.txt`, `classes.txt`, `labels.txt` or
 * CVAT's `labelmap.txt` (with colors), or of VOC itself. PNGs of colors are told apart by VOC's colors.
 */
export function vocLabelLayouts(
  root: string,
  classes?: readonly string[],
): readonly SegmentationData[] {
  return vocFolders(root).flatMap((base) => {
    const images = folderNamed(base, IMAGE_FOLDERS);
    const labels = LABEL_FOLDERS.map((name) => folderNamed(base, [name])).find(
      (folder) => folder !== undefined && firstFile(folder, isPng, 2) !== undefined,
    );
    if (images === undefined || labels === undefined) return [];
    const first = firstFile(labels, isPng, 2) ?? '';
    const named = namesOf(base, first, classes);
    if (named === undefined) return [];
    const { classes: names, values } = named;
    const colors = named.colors ?? (values ? undefined : colorsOf(first, names.length));
    const source = { images, labels, classes: names, colors, values };
    return [segmentationData('voc-labels', base, splitsOf(base, source), 'VOC labels')];
  });
}

function splitsOf(base: string, source: FolderSource): Record<string, FolderSource> {
  const folder = listFolder(base, 'Segmentation');
  const lists = splitLists(folder);
  if (lists.size > 0)
    return Object.fromEntries([...lists].map(([split, list]) => [split, { ...source, list }]));
  // Some tools write one list of all images.
  const all = folder === undefined ? undefined : join(folder, 'default.txt');
  return { train: { ...source, list: all !== undefined && existsSync(all) ? all : undefined } };
}

function namesOf(
  base: string,
  firstLabel: string,
  classes: readonly string[] | undefined,
): NamedLabels | undefined {
  const table = readLabelTable(base, classes);
  if (table) return table;
  if (classes) return { classes };
  const file = ['class_names.txt', 'classes.txt', 'labels.txt']
    .map((name) => join(base, name))
    .find((path) => existsSync(path));
  // labelme2voc lists `__ignore__` first, whose label is 255.
  if (file !== undefined)
    return { classes: readClassNames(file).filter((name) => labelOfName(name) !== IGNORED_LABEL) };
  const isVoc =
    /^VOC\d{4}$/i.test(basename(base)) || /^\d{4}_\d{6}\.png$/i.test(basename(firstLabel));
  return isVoc ? { classes: VOC_CLASSES } : undefined;
}

/** VOC's colors, if the labels are colors without a palette. */
function colorsOf(file: string, numClasses: number): readonly LabelColor[] | undefined {
  const { colorType } = readPngParts(readWhole(file), file);
  if (colorType !== 2 && colorType !== 6) return undefined;
  const classes = Array.from({ length: numClasses }, (_, label) => ({
    rgb: vocColor(label),
    label,
  }));
  return [...classes, { rgb: [224, 224, 192], label: IGNORED_LABEL }];
}
