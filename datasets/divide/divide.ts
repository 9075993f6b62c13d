import { mkdir, writeFile } from 'node:fs/promises';
import { basename, extname, join, relative, resolve } from 'node:path';
import { ConfigError } from '../../core/errors.js';
import { jsonText } from '../../io/files/atomic.js';
import { writeJsonRowsAtomically } from '../../io/files/json-stream.js';
import { writeNewFolder } from '../../io/files/new-folder.js';
import { dataYaml } from '../../io/yolo/write-data-yaml.js';
import { cocoDocument } from '../convert/coco-document.js';
import { placeImage } from '../convert/place-image.js';
import { selectImages, type CocoSet } from '../coco/set.js';
import type { ClassificationSet } from '../imagenet.js';
import { inParallel } from '../in-parallel.js';
import type { DataLayout, SegmentationData, SplitName } from '../layout/types.js';
import type { FolderSource } from '../segmentation-folder.js';
import { groupNames } from './group.js';
import { imagesWithClasses, loadPart, partNames, slashed } from './images.js';
import { stratify, type Division, type DivisionRule } from './stratify.js';

/** Options of {@link divideSet}. */
export interface DivideOptions extends DivisionRule {
  /** Part to divide; default: the only one. */
  readonly part?: string | undefined;
  /** Regular expression of file names that stay together, see {@link groupNames}. */
  readonly group?: string | undefined;
  /** Whether the images of a classification set are linked or copied. */
  readonly images: 'link' | 'copy';
}

/** Counts of a divided set. */
export interface DividedSet {
  readonly parts: readonly {
    readonly name: SplitName;
    readonly images: number;
    /** `[K]`, images with the class. */
    readonly imagesWith: readonly number[];
  }[];
  readonly classes: readonly string[];
  /** Number of groups of images, each in one part. */
  readonly groups: number;
}

/**
 * Divides a set into train, val and test, stratified by class, and writes a new folder that names the parts: annotation
 * files in COCO's format and a `data.yaml` for detection, lists and a `data.yaml` for segmentation, class folders for
 * classification.
 *
 * @throws ConfigError if the set is divided already and no part is chosen, for fractions or groups that do not fit, or a
 *   folder that is not empty
 * @throws DataError if the set has errors
 */
export async function divideSet(
  data: DataLayout,
  folder: string,
  options: DivideOptions,
): Promise<DividedSet> {
  const part = options.part ?? onlyPart(data);
  const loaded = await loadPart(data, part);
  const { names, classesIn, classes } = await imagesWithClasses(loaded);
  const groups = groupNames(names, options.group);
  const images = classesIn.map((inImage, i) => ({ group: groups[i], classes: inImage }));
  const division = stratify(images, options, data.root);
  await writeNewFolder(folder, async (partial) => {
    const target = { partial, folder: resolve(folder) };
    if (loaded.kind === 'detection') await writeAnnotations(loaded.set, division, target);
    else if (loaded.kind === 'segmentation')
      await writeLists(names, division, sourceOf(data as SegmentationData, part), target);
    else await writeClassFolders(loaded.set, division, partial, options.images);
  });
  return {
    parts: partsOf(division).map(([name, indices]) => ({
      name,
      images: indices.length,
      imagesWith: classes.map((_, k) => indices.filter((i) => classesIn[i].includes(k)).length),
    })),
    classes,
    groups: new Set(groups).size,
  };
}

function onlyPart(data: DataLayout): string {
  const names = partNames(data);
  if (names.length === 1) return names[0];
  throw new ConfigError(
    `${data.root}: expected a set that is not divided, got ${names.join(', ')}; give --part to divide one of them`,
  );
}

function sourceOf({ splits, root }: SegmentationData, part: string): FolderSource {
  const source = splits[part];
  if ('regions' in source)
    throw new ConfigError(`${root}: expected label files to divide, got polygons and masks`);
  return source;
}

const partsOf = (division: Division): readonly (readonly [SplitName, readonly number[]])[] =>
  Object.entries(division) as [SplitName, readonly number[]][];

/** Folder that is written, and its path when it is complete. */
interface Target {
  readonly partial: string;
  readonly folder: string;
}

async function writeAnnotations(
  set: CocoSet,
  division: Division,
  { partial, folder }: Target,
): Promise<void> {
  const parts: Record<string, Record<string, string>> = {};
  let first = { image: 1, annotation: 1 };
  for (const [name, indices] of partsOf(division)) {
    const part = selectImages(set, indices);
    const document = cocoDocument(part, part.images.fileNames, first);
    await writeJsonRowsAtomically(join(partial, `${name}.json`), document);
    first = { ...first, image: first.image + indices.length };
    const images = relative(folder, resolve(set.imageFolder ?? folder));
    parts[name] = { annotations: `${name}.json`, images: images === '' ? '.' : slashed(images) };
  }
  // Without images there is nothing to train on, and the annotation files stand for themselves.
  if (set.imageFolder !== undefined) await writeYaml(partial, parts);
}

async function writeLists(
  names: readonly string[],
  division: Division,
  source: FolderSource,
  { partial, folder }: Target,
): Promise<void> {
  if (source.labelEnd !== undefined)
    throw ConfigError.in(
      source.labels,
      'expected a folder of labels alone to divide, got other files beside them; `data convert --to masks` separates them',
    );
  const [images, labels] = [source.images, source.labels].map((path) =>
    slashed(relative(folder, resolve(path))),
  );
  const parts: Record<string, Record<string, string>> = {};
  for (const [name, indices] of partsOf(division)) {
    const list = `${name}.txt`;
    await writeFile(join(partial, list), indices.map((i) => `${names[i]}\n`).join(''));
    parts[name] = { images, labels, list };
  }
  const { classes, reduceZeroLabel = false, range } = source;
  const meaning = { classes, reduceZeroLabel, range, ...labelMeaning(source) };
  await writeYaml(partial, parts, meaning);
}

/** Values or colors of the classes as a `data.yaml` has them. */
function labelMeaning({ classes, values, colors }: FolderSource): object {
  if (values) return { values: Object.fromEntries(classes.map((name, k) => [name, values[k]])) };
  if (!colors) return {};
  let numIgnored = 0;
  const nameOf = (label: number): string =>
    label < classes.length ? classes[label] : `ignore${'_'.repeat(numIgnored++)}`;
  return {
    colors: Object.fromEntries(colors.map(({ rgb, label }) => [nameOf(label), rgb])),
  };
}

const writeYaml = (folder: string, ...content: Parameters<typeof dataYaml>): Promise<void> =>
  writeFile(join(folder, 'data.yaml'), dataYaml(...content));

async function writeClassFolders(
  { samples, classes }: ClassificationSet,
  division: Division,
  folder: string,
  how: DivideOptions['images'],
): Promise<void> {
  const unfit = classes.find(({ key }) => /[/\\]|^\.\.?$/.test(key));
  if (unfit)
    throw new ConfigError(`expected names of classes that can be folders, got "${unfit.key}"`);
  for (const [part, indices] of partsOf(division)) {
    const taken = new Set<string>();
    const places = indices.map((i) => {
      const { file, classIndex } = samples[i];
      const place = join(folder, part, classes[classIndex].key, basename(file));
      const free = freeName(place, taken);
      taken.add(free);
      return { from: resolve(file), to: free };
    });
    await inParallel(places, ({ from, to }) => placeImage(from, to, how));
    await mkdir(join(folder, part), { recursive: true });
  }
  await writeFile(join(folder, 'classes.json'), jsonText(classes));
}

/** A path with a number where the name is taken. */
function freeName(path: string, taken: ReadonlySet<string>): string {
  const end = extname(path);
  const start = path.slice(0, path.length - end.length);
  let free = path;
  for (let n = 2; taken.has(free); n++) free = `${start}-${n}${end}`;
  return free;
}
