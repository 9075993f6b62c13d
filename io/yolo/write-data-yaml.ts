import { stringify } from 'yaml';

/**
 * Formats a `data.yaml`. Paths are relative to it.
 *
 * @param parts image folders (YOLO), or images with their annotations, labels and lists
 * @param meaning names, numbers, values, colors and range of the classes; undefined fields are not written
 */
export function dataYaml(
  parts: Readonly<Record<string, string | Readonly<Record<string, string>>>>,
  meaning: object = {},
): string {
  return stringify({ ...parts, ...meaning });
}

/** Formats a YOLO `data.yaml`. */
export const yoloDataYaml = (
  parts: Readonly<Record<string, string>>,
  names: readonly string[],
): string => dataYaml(parts, { nc: names.length, names: new Map(names.entries()) });
