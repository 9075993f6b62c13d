import { withFileName } from './federated.js';
import { scanCocoFile } from './scan-file.js';

/** Summary of the beginning of a JSON file. */
interface CocoPeek {
  /** Whether it has `images` and `annotations`, like annotation files. */
  readonly isAnnotations: boolean;
  /** `file_name` of the first image, or its name by LVIS. */
  readonly firstFileName: string | undefined;
}

/**
 * Reads a JSON file only as far as needed to decide whether it is a COCO annotation file.
 *
 * @throws DataError if the file cannot be read or the JSON read so far is broken
 */
export async function peekCoco(file: string): Promise<CocoPeek> {
  const arrays = new Set<string>();
  let firstFileName: string | undefined;
  await scanCocoFile(
    file,
    {
      array: (name) => {
        arrays.add(name);
        return name === 'images';
      },
      element: (_, index, record) => {
        const name: unknown = (withFileName(record) as { readonly file_name?: unknown } | null)
          ?.file_name;
        if (index === 0 && typeof name === 'string') firstFileName = name;
      },
      invalid: () => undefined, // the file is checked when it is loaded
      value: () => undefined,
    },
    { stop: () => arrays.has('') || (arrays.has('images') && arrays.has('annotations')) },
  );
  return { isAnnotations: arrays.has('images') && arrays.has('annotations'), firstFileName };
}
