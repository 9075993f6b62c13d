import { LayoutError } from '../../core/errors.js';
import { findLayout } from '../../datasets/layout/detect.js';
import type { DataLayout, LayoutOptions } from '../../datasets/layout/types.js';

type FoundData<Kind> = Extract<DataLayout, { readonly kind: Kind }>;

const EXPECTED = {
  detection: 'images with boxes or masks',
  segmentation: 'images with label maps',
} as const;

/**
 * Finds the data of one kind at a path, and whether it has a validation split.
 *
 * @throws DataError naming the detected kind if it differs
 */
export async function findData<Kind extends keyof typeof EXPECTED>(
  kind: Kind,
  path: string,
  options: LayoutOptions = {},
): Promise<{
  readonly data: FoundData<Kind>;
  readonly hasValidation: boolean;
}> {
  const data = await findLayout(path, { ...options, kind });
  if (data.kind !== kind)
    throw new LayoutError(`${path}: expected ${EXPECTED[kind]}, got a set for ${data.kind}`);
  return {
    data: data as FoundData<Kind>,
    hasValidation: 'splitRule' in data || 'val' in data.splits,
  };
}
