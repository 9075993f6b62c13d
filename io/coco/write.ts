/** Row of the images of a COCO file. */
export interface CocoImageRow {
  readonly id: number;
  readonly file_name: string;
  /** Pixels. */
  readonly width: number;
  readonly height: number;
}

/** Row of the categories of a COCO file. */
export interface CocoCategoryRow {
  readonly id: number;
  readonly name: string;
}

/** Creates the row of an image. @param fileName relative to the folder of the images */
export const cocoImage = (
  id: number,
  fileName: string,
  { width, height }: { readonly width: number; readonly height: number },
): CocoImageRow => ({ id, file_name: fileName, width, height });

/** Creates the rows of categories by class index. */
export const cocoCategories = (
  names: readonly string[],
  ids: readonly number[],
): readonly CocoCategoryRow[] => names.map((name, k) => ({ id: ids[k], name }));
