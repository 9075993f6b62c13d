import { stringify } from 'yaml';

/** Formats a `data.yaml`. Paths are relative to it. */
export function yoloDataYaml(
  parts: Readonly<Record<string, string>>,
  names: readonly string[],
): string {
  return stringify({ ...parts, nc: names.length, names: new Map(names.entries()) });
}
