import type { FederatedLabels, Frequency } from '../../core/coco.js';

/** Fields that LVIS adds to the records of COCO. */
interface LvisFields {
  readonly id: number;
  readonly neg_category_ids?: readonly number[];
  readonly not_exhaustive_category_ids?: readonly number[];
  readonly frequency?: Frequency;
}

/** Collects what LVIS adds to the images and categories of COCO. */
export class FederatedColumns {
  private readonly absent = new Map<number, ReadonlySet<number>>();
  private readonly partial = new Map<number, ReadonlySet<number>>();
  private readonly frequencies = new Map<number, Frequency>();

  /** @param record one that matches the schema of images */
  addImage(record: unknown): void {
    const {
      id,
      neg_category_ids: absent,
      not_exhaustive_category_ids: partial,
    } = record as LvisFields;
    if (absent) this.absent.set(id, new Set(absent));
    if (partial) this.partial.set(id, new Set(partial));
  }

  /** @param record one that matches the schema of categories */
  addCategory(record: unknown): void {
    const { id, frequency } = record as LvisFields;
    if (frequency) this.frequencies.set(id, frequency);
  }

  /** Undefined unless an image says which categories it does not show. */
  finish(): FederatedLabels | undefined {
    const { absent, partial, frequencies } = this;
    return absent.size > 0 ? { absent, partial, frequencies } : undefined;
  }
}

/**
 * Gives an image without `file_name` the one of LVIS: folder and name at the end of its `coco_url`, as in
 * `val2017/000000397133.jpg`. Other records are returned as they are.
 */
export function withFileName(record: unknown): unknown {
  const { file_name: name, coco_url: url } = Object(record) as Readonly<Record<string, unknown>>;
  if (name !== undefined || typeof url !== 'string') return record;
  const parts = url.split('/').slice(-2);
  return { ...(record as object), file_name: parts.join('/') };
}
