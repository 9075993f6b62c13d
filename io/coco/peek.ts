import { scanCocoFile } from './scan-file.js';

/** What a first look at a JSON file tells. */
export interface CocoPeek {
  /** Whether it has `images` and `annotations`, as annotation files do. */
  readonly isAnnotations: boolean;
  /** `file_name` of the first image. */
  readonly firstFileName: string | undefined;
}

/**
 * Looks at the top-level keys of a JSON file, and no further than needed to tell whether it is a COCO annotation file.
 *
 * @throws DataError if the file cannot be read or its JSON structure is broken as far as it was read
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
        const name: unknown = (record as { readonly file_name?: unknown } | null)?.file_name;
        if (index === 0 && typeof name === 'string') firstFileName = name;
      },
      invalid: () => undefined, // the file itself is checked when it is loaded
      value: () => undefined,
    },
    { stop: () => arrays.has('') || (arrays.has('images') && arrays.has('annotations')) },
  );
  return { isAnnotations: arrays.has('images') && arrays.has('annotations'), firstFileName };
}
