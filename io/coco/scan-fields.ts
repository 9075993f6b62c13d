import type { ScanFields } from './record-scan.js';
import type { ResultField } from './schemas.js';

const IDS = { id: 'id', image_id: 'id', category_id: 'id' } as const;
const OBJECT = {
  ...IDS,
  area: 'number',
  iscrowd: 'flag',
  ignore: 'flag',
  num_keypoints: 'number',
} as const;
const REQUIRED = ['id', 'image_id', 'category_id', 'area'] as const;

/**
 * Fields of annotations that are read directly: what the schemas of `schemas.ts` accept, without what is reported (a
 * missing area) or has further rules (keypoints).
 */
export const ANNOTATION_FIELDS: Readonly<Record<'all' | 'bbox' | 'segm', ScanFields>> = {
  all: {
    kept: { ...OBJECT, bbox: 'box', segmentation: 'segmentation' },
    required: [...REQUIRED, 'bbox'],
    unusual: ['keypoints'],
  },
  bbox: { kept: { ...OBJECT, bbox: 'box' }, required: [...REQUIRED, 'bbox'] },
  segm: {
    kept: { ...OBJECT, segmentation: 'mask' },
    required: [...REQUIRED, 'segmentation'],
  },
};

/** Fields of results that are read directly. @param fields those that are looked at */
export function resultScanFields(fields: readonly ResultField[]): ScanFields {
  const looksAt = (field: ResultField): boolean => fields.includes(field);
  return {
    kept: {
      image_id: 'id',
      category_id: 'id',
      score: 'number',
      bbox: looksAt('bbox') ? 'optionalBox' : undefined,
      segmentation: looksAt('segmentation') ? 'segmentation' : undefined,
    },
    required: ['image_id', 'category_id', 'score'],
    anyOf: ['bbox', 'segmentation', 'keypoints'],
    unusual: looksAt('keypoints') ? ['keypoints'] : [],
  };
}
