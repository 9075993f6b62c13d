import { type DataError, AnnotationsError, quote } from '../../core/errors.js';

/** The parts of a YOLO `data.yaml` that describe a data set. */
export interface YoloYaml {
  /** Folder that the parts are relative to. */
  readonly path: string | undefined;
  /** Folders of images, or text files that list images. */
  readonly parts: Readonly<Partial<Record<'train' | 'val' | 'test', readonly string[]>>>;
  /** Class names by number; undefined if the file has none. */
  readonly names: readonly string[] | undefined;
}

/** Whether the content of a YAML file looks like a YOLO `data.yaml`. */
export function isYoloYaml(content: unknown): boolean {
  if (typeof content !== 'object' || content === null) return false;
  const { train, val, names, nc } = content as Readonly<Record<string, unknown>>;
  const isPath = (value: unknown): boolean => typeof value === 'string' || Array.isArray(value);
  return isPath(train) || isPath(val) || names !== undefined || nc !== undefined;
}

/**
 * Checks the content of a YOLO `data.yaml`.
 *
 * @param file for messages
 * @throws DataError for keypoints and oriented boxes, parts that are no paths, and names that are incomplete
 * @see https://docs.ultralytics.com/datasets/detect/#ultralytics-yolo-format
 */
export function checkYoloYaml(content: unknown, file: string): YoloYaml {
  const wrong = (message: string): DataError => AnnotationsError.in(file, message);
  if (typeof content !== 'object' || content === null)
    throw wrong(`expected keys such as train, val and names, got ${quote(content)}`);
  const fields = content as Readonly<Record<string, unknown>>;
  const { path, kpt_shape: keypoints, task, nc } = fields;
  if (keypoints !== undefined || task === 'pose')
    throw wrong(
      'kpt_shape: expected boxes or polygons, got keypoints (YOLO pose), which are not trained',
    );
  if (task === 'obb')
    throw wrong(
      'task: expected boxes or polygons, got oriented boxes (YOLO OBB); export upright boxes or polygons',
    );
  if (path !== undefined && path !== null && typeof path !== 'string')
    throw wrong(`path: expected a folder, got ${quote(path)}`);
  const parts: Record<string, readonly string[]> = {};
  for (const [part, ...others] of [['train'], ['val', 'valid', 'validation'], ['test']]) {
    const value = [part, ...others]
      .map((key) => fields[key])
      .find((v) => v !== undefined && v !== null);
    const paths = Array.isArray(value)
      ? (value as readonly unknown[])
      : value === undefined
        ? []
        : [value];
    if (!paths.every((entry) => typeof entry === 'string' && entry !== ''))
      throw wrong(`${part}: expected a folder, a text file or a list of them, got ${quote(value)}`);
    if (paths.length > 0) parts[part] = paths as readonly string[];
  }
  if (Object.keys(parts).length === 0) throw wrong('train: expected a folder of images, got none');
  const names = namesOf(fields['names'], wrong);
  if (names && nc !== undefined && nc !== names.length)
    throw wrong(`nc: expected ${names.length}, the number of names, got ${quote(nc)}`);
  if (!names && nc !== undefined) {
    if (typeof nc !== 'number' || !Number.isInteger(nc) || nc < 1 || nc > 100000)
      throw wrong(`nc: expected the number of classes, got ${quote(nc)}`);
    return {
      path: path ?? undefined,
      parts,
      names: Array.from({ length: nc }, (_, k) => `class_${k}`),
    };
  }
  return { path: path ?? undefined, parts, names };
}

/** A list, or a map from numbers. */
function namesOf(
  value: unknown,
  wrong: (message: string) => DataError,
): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'object')
    throw wrong(`names: expected a list or map of names, got ${quote(value)}`);
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  if (entries.length === 0) throw wrong('names: expected at least one name, got none');
  const names = new Array<string | undefined>(entries.length).fill(undefined);
  for (const [key, name] of entries) {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index >= entries.length)
      throw wrong(
        `names: expected numbers from 0 to ${entries.length - 1}, one for each name, got ${quote(key)}`,
      );
    if (!['string', 'number', 'boolean'].includes(typeof name) || String(name).trim() === '')
      throw wrong(`names/${key}: expected a name, got ${quote(name)}`);
    names[index] = String(name).trim();
  }
  return names as readonly string[];
}
