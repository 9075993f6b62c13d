import { existsSync } from 'node:fs';
import { basename, dirname, extname, join, relative } from 'node:path';
import { DataError } from '../../core/errors.js';
import { peekCoco } from '../../io/coco/peek.js';
import { isFolder } from '../../io/files/list.js';
import { beforeUpload } from '../annotations/image-index.js';
import type { AnnotationSource } from '../annotations/source.js';
import { errorAsValue } from '../problems.js';
import { SPLIT_NAMES } from '../segmentation-folder.js';
import { filesIn, startOf } from './folder-names.js';
import type { DetectionData, SplitName } from './types.js';

/** `annotations/instances_{train,val,test}*.json` with images next to `annotations`; one candidate per suffix. */
export async function cocoLayouts(root: string): Promise<readonly DetectionData[]> {
  const byEnding = new Map<string, Record<string, AnnotationSource>>();
  for (const annotations of filesIn(join(root, 'annotations'))) {
    const match = /^instances_(train|val|test)(.*)\.json$/.exec(basename(annotations));
    if (!match) continue;
    const [, split, ending] = match;
    const candidates = [
      ...[split + ending, split].flatMap((part) => [join(root, part), join(root, 'images', part)]),
      join(root, 'images'),
      root,
    ];
    const found = imageFolderOf(annotations, candidates);
    // Training does not use this part, so that a broken file is no reason to refuse the others.
    const images = split === 'test' ? await errorAsValue(found) : await found;
    const splits = byEnding.get(ending) ?? {};
    splits[split] = { annotations, images: images instanceof DataError ? root : images };
    byEnding.set(ending, splits);
  }
  return [...byEnding.values()].map((splits) => detectionData('coco', root, splits));
}

const ROBOFLOW_SPLITS: readonly (readonly [SplitName, string])[] = [
  ['train', 'train'],
  ['val', 'valid'],
  ['test', 'test'],
];

/** `train|valid|test/_annotations.coco.json` with the images next to each. */
export function roboflowLayouts(root: string): readonly DetectionData[] {
  const splits: Record<string, AnnotationSource> = {};
  for (const [split, folder] of ROBOFLOW_SPLITS) {
    const annotations = join(root, folder, '_annotations.coco.json');
    if (existsSync(annotations)) splits[split] = { annotations, images: join(root, folder) };
  }
  return Object.keys(splits).length > 0 ? [detectionData('roboflow', root, splits)] : [];
}

/** Annotation files in the folder or in `annotations/`, one candidate each. */
export async function cocoFileLayouts(root: string): Promise<readonly DetectionData[]> {
  const found: DetectionData[] = [];
  for (const folder of [root, join(root, 'annotations')])
    for (const file of filesIn(folder)) {
      if (extname(file) !== '.json') continue;
      const isAnnotations = await peekCoco(file).then(
        (peek) => peek.isAnnotations,
        () => false, // there may be other JSON files; only files named by the user are read strictly
      );
      if (isAnnotations) found.push(await cocoFileLayout(file, root));
    }
  return found;
}

/** Error of the first file in the folder or in `annotations/` that begins like one of COCO and is broken, if there is one. */
export async function brokenCocoFile(root: string): Promise<DataError | undefined> {
  for (const file of [root, join(root, 'annotations')].flatMap(filesIn)) {
    if (extname(file) !== '.json' || !/"(images|annotations|categories)"\s*:/.test(startOf(file)))
      continue;
    const layout = await errorAsValue(cocoFileLayout(file, root));
    if (layout instanceof DataError) return layout;
  }
  return undefined;
}

/**
 * Creates the candidate of one annotation file. @param root folder to search for images; default: that of the file
 *
 * @throws DataError if the file cannot be read
 */
export async function cocoFileLayout(file: string, root?: string): Promise<DetectionData> {
  const folder = dirname(file);
  const base = root ?? (basename(folder) === 'annotations' ? dirname(folder) : folder);
  const stem = basename(file, '.json');
  const images = await imageFolderOf(file, [
    ...[stem, stem.replace(/^instances_/, '')].flatMap((part) => [
      join(base, part),
      join(base, 'images', part),
    ]),
    join(base, 'images'),
    base,
  ]);
  return detectionData('file', root ?? file, { train: { annotations: file, images } });
}

/** Merges one-file candidates to a set with one split per file, for commands that only inspect. */
export function combineCocoFiles(root: string, files: readonly DetectionData[]): DetectionData {
  const splits: Record<string, AnnotationSource> = {};
  for (const { splits: part } of files)
    for (const source of Object.values(part))
      splits[relative(root, source.annotations).replace(/\.json$/, '')] = source;
  return detectionData('file', root, splits);
}

/**
 * Merges one-file candidates that are named after different parts, one of them for training (`train.json`,
 * `instances_val2017.json`), to a set.
 *
 * @returns undefined if their names do not say so
 */
export function partsOfFiles(
  root: string,
  files: readonly DetectionData[],
): DetectionData | undefined {
  const splits: Record<string, AnnotationSource> = {};
  for (const source of files.flatMap(({ splits: part }) => Object.values(part))) {
    const words = basename(source.annotations, '.json')
      .toLowerCase()
      .split(/[^a-z]+/);
    const named = Object.entries(SPLIT_NAMES).filter(([, names]) =>
      names.some((name) => words.includes(name)),
    );
    if (named.length !== 1 || named[0][0] in splits) return undefined;
    splits[named[0][0]] = source;
  }
  return 'train' in splits ? detectionData('file', root, splits) : undefined;
}

/** Creates the record and its description. */
export function detectionData(
  layout: DetectionData['layout'],
  root: string,
  splits: Readonly<Record<string, AnnotationSource>>,
): DetectionData {
  const base = isFolder(root) ? root : dirname(root);
  const shown = (path: string): string => {
    const short = relative(base, path) || '.';
    return short.startsWith('..') ? path : short; // a path with `..` would be confusing
  };
  const [{ classes } = {}] = Object.values(splits);
  const ending = classes ? `; classes ${classes.join(', ')}` : '';
  const parts = Object.entries(splits).map(([split, { annotations, images }]) => {
    const where = images === undefined ? 'no image folder found' : `images in ${shown(images)}`;
    return `${split} ${shown(annotations)} (${where})`;
  });
  const names: Readonly<Record<string, string>> = {
    coco: 'COCO layout',
    roboflow: 'Roboflow COCO layout',
    file: Object.keys(splits).length > 1 ? 'COCO files' : 'COCO file',
    yaml: 'COCO files by data.yaml',
  };
  const line = `${names[layout]}: ${parts.join(', ')}${ending}`;
  return { kind: 'detection', layout, root, splits, line };
}

/** Finds the first folder with the file's first image, or else the first existing one below the root. */
async function imageFolderOf(
  annotations: string,
  candidates: readonly string[],
): Promise<string | undefined> {
  const { firstFileName } = await peekCoco(annotations);
  if (firstFileName !== undefined) {
    // Where Label Studio's images were not exported, those before their upload may be there.
    const names = [firstFileName, beforeUpload(basename(firstFileName.replaceAll('\\', '/')))];
    for (const name of names) {
      const holder = candidates.find((folder) => existsSync(join(folder, name)));
      if (holder !== undefined) return holder;
    }
  }
  // The last candidate is the root, which exists but may have no images.
  return candidates.slice(0, -1).find((folder) => existsSync(folder));
}
