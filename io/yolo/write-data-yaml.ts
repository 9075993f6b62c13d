import { stringify } from 'yaml';

/**
 * Formats a `data.yaml`. Paths are relative to it. Names that YAML 1.1 takes for other values are quoted, for other programs.
 *
 * @param parts image folders (YOLO), or images with their annotations, labels and lists
 * @param meaning names, numbers, values, colors and range of the classes; undefined fields are not written
 */
export function dataYaml(
  parts: Readonly<Record<string, string | Readonly<Record<string, string>>>>,
  meaning: object = {},
): string {
  return stringify({ ...parts, ...meaning }, { compat: 'yaml-1.1' });
}

/** Formats a YOLO `data.yaml`. */
export const yoloDataYaml = (
  parts: Readonly<Record<string, string>>,
  names: readonly string[],
): string => dataYaml(parts, { nc: names.length, names: new Map(names.entries()) });
