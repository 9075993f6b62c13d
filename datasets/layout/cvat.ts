import { basename, extname } from 'node:path';
import { LayoutError } from '../../core/errors.js';
import { readCvat, type CvatImage } from '../../io/cvat/read.js';
import type { AnnotationSource } from '../annotations/source.js';
import { cvatImageFile } from '../annotations/cvat.js';
import { ImageIndex } from '../annotations/image-index.js';
import { filesIn, folderNamed, startOf } from './folder-names.js';
import { recognizedDetection } from './recognized.js';
import { splitNamed } from './split-names.js';
import type { DetectionData, DetectionLayouts, SplitName } from './types.js';

/**
 * Files of CVAT 1.1 for images: one file, whose subsets are the splits, or a file for each split that is named after it;
 * the images are in `images/` or beside it.
 */
export const cvatLayouts: DetectionLayouts = async (root, classes) => {
  const files = filesIn(root).filter(
    (file) => extname(file).toLowerCase() === '.xml' && isCvat(file),
  );
  const named = new Map(files.map((file) => [splitNamed(basename(file, extname(file))), file]));
  named.delete(undefined);
  if (files.length > 1 && named.size === files.length) {
    const parts = await Promise.all([...named].map(([split, file]) => partsOf(file, root, split)));
    return [dataOf(root, parts.flat(), classes)];
  }
  return Promise.all(files.map((file) => cvatFileLayout(file, root, classes)));
};

/** Creates the candidate of one file. @throws DataError if it cannot be read or has tracks of a video */
export async function cvatFileLayout(
  file: string,
  root: string,
  classes?: readonly string[],
): Promise<DetectionData> {
  return dataOf(root, await partsOf(file, root), classes);
}

/** Whether an XML file is of CVAT, told by its root element. */
export function isCvat(file: string): boolean {
  return /<annotations[\s>]/.test(startOf(file));
}

/** A split of a file. */
interface Part {
  readonly split: SplitName;
  readonly source: AnnotationSource;
  readonly count: number;
  readonly shapes: { readonly box: number; readonly other: number };
}

/** Splits of a file by its subsets, if all of them are named after splits; else all of it is one. */
async function partsOf(file: string, root: string, split?: SplitName): Promise<readonly Part[]> {
  const labels: string[] = [];
  const used = new Set<string>();
  const counts = new Map<string, number>();
  const shapes = { box: 0, other: 0 };
  let first: Pick<CvatImage, 'name' | 'subset'> | undefined;
  await readCvat(file, {
    label: (name) => labels.push(name),
    image: (image) => {
      first ??= { name: image.name, subset: image.subset };
      counts.set(image.subset, (counts.get(image.subset) ?? 0) + 1);
      for (const shape of image.shapes) {
        if ('label' in shape) used.add(shape.label);
        if (shape.kind === 'box') shapes.box++;
        else if (shape.kind === 'polygon' || shape.kind === 'mask') shapes.other++;
      }
    },
  });
  if (first === undefined) throw LayoutError.in(file, 'expected images, got none');
  const names = labels.length > 0 ? labels : [...used].sort();
  const images = await imageFolderOf(root, first);
  const source = { format: 'cvat', annotations: file, images, names } as const;
  const subsets = [...counts].map(([subset, count]) => ({
    subset,
    count,
    split: splitNamed(subset),
  }));
  const areSplits = subsets.every((part) => part.split !== undefined);
  if (split === undefined && areSplits && subsets.some((part) => part.split === 'train'))
    return subsets.map((part) => ({
      split: part.split ?? 'train',
      source: { ...source, subset: part.subset },
      count: part.count,
      shapes,
    }));
  const count = subsets.reduce((sum, part) => sum + part.count, 0);
  return [{ split: split ?? 'train', source, count, shapes }];
}

function dataOf(
  root: string,
  parts: readonly Part[],
  classes: readonly string[] | undefined,
): DetectionData {
  const order: readonly SplitName[] = ['train', 'val', 'test'];
  const sorted = [...parts].sort((a, b) => order.indexOf(a.split) - order.indexOf(b.split));
  const [{ shapes }] = sorted;
  return recognizedDetection({
    layout: 'cvat',
    root,
    splits: sorted.map(({ split, source }) => [split, source]),
    name: shapes.box >= shapes.other ? 'CVAT boxes' : 'CVAT polygons and masks',
    counts: sorted.map(({ count }) => count),
    classes,
  });
}

async function imageFolderOf(
  root: string,
  first: Pick<CvatImage, 'name' | 'subset'>,
): Promise<string | undefined> {
  for (const folder of [folderNamed(root, ['images']), folderNamed(root, ['data']), root]) {
    const index = ImageIndex.of(folder);
    if (cvatImageFile(index, first) !== undefined) return folder;
  }
  return folderNamed(root, ['images']) ?? root;
}
