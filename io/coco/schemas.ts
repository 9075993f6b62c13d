import type { IouType, ResultRecord } from '../../core/coco.js';

/**
 * JSON Schemas of the records of COCO's formats: annotation files and result files. The type of a field is defined once;
 * which fields are checked and required depends on the purpose.
 *
 * @see https://cocodataset.org/#format-data and https://cocodataset.org/#format-results
 */
type Fields = Readonly<Record<string, object>>;

/** Schema of an object with these fields, and possibly others. */
interface RecordSchema {
  readonly type: 'object';
  readonly required: readonly string[];
  readonly properties: Fields;
}

/** Ids above 2⁵³ would be rounded when parsed, so different ids could become equal. */
const ID = { type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 };
const NUMBER = { type: 'number' };
const NUMBERS = { type: 'array', items: NUMBER };
const NAME = { type: 'string', minLength: 1 };
const SIDE = { type: 'integer', minimum: 1, maximum: 1000000 };
const BOX = { ...NUMBERS, minItems: 4, maxItems: 4 };
const FLAG = { enum: [0, 1, true, false] };

const RLE = record({
  size: {
    type: 'array',
    items: { type: 'integer', minimum: 0, maximum: 1000000 },
    minItems: 2,
    maxItems: 2,
  },
  counts: {
    if: { type: 'array' },
    then: { items: { type: 'integer', minimum: 0, maximum: 4294967295 } },
    else: { type: 'string' },
  },
});
const POLYGONS = { type: 'array', items: NUMBERS };
/** `null` and `[]` occur in files with boxes only, a flat list is one polygon or box. */
const SEGMENTATION = {
  if: { type: 'object' },
  then: RLE,
  else: { if: { type: 'null' }, else: { if: { ...NUMBERS, minItems: 1 }, else: POLYGONS } },
};

/** `null` is the same as no area. */
const AREA = { if: { type: 'null' }, else: NUMBER };
const OBJECT = { id: ID, image_id: ID, category_id: ID, iscrowd: FLAG, ignore: FLAG, area: AREA };

/** Fields that LVIS adds. */
const IDS = { type: 'array', items: ID };
const LVIS_IMAGE = { neg_category_ids: IDS, not_exhaustive_category_ids: IDS };
const LVIS_CATEGORY = { frequency: { enum: ['r', 'c', 'f'] } };

const IMAGE = { id: ID, file_name: NAME, width: SIDE, height: SIDE };

/** One entry of `images`. */
export const IMAGE_SCHEMA = record({ ...IMAGE, ...LVIS_IMAGE }, Object.keys(IMAGE));

/** One entry of `categories`. */
export const CATEGORY_SCHEMA = record(
  {
    id: ID,
    name: NAME,
    supercategory: { type: ['string', 'null'] },
    keypoints: { type: 'array', items: { type: 'string' } },
    skeleton: {
      type: 'array',
      items: { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 2 },
    },
    ...LVIS_CATEGORY,
  },
  ['id', 'name'],
);

const INSTANCE = { ...OBJECT, bbox: BOX, segmentation: SEGMENTATION };
const REQUIRED = ['id', 'image_id', 'category_id', 'bbox'];

/** One entry of `annotations` of an instances file. */
export const INSTANCE_SCHEMA = record(INSTANCE, REQUIRED);

/** One entry of `annotations` of a keypoints file: `x, y, v` per point, v = 0 (absent), 1 (hidden) or 2 (visible). */
export const KEYPOINTS_SCHEMA = record(
  { ...INSTANCE, keypoints: NUMBERS, num_keypoints: { type: 'integer', minimum: 0 } },
  [...REQUIRED, 'keypoints', 'num_keypoints'],
);

/** An entry of `images` with the fields that evaluations need. */
export const COMPARED_IMAGE_SCHEMA = record({ id: ID, ...LVIS_IMAGE }, ['id']);

/** An entry of `categories` with the fields that evaluations need. */
export const COMPARED_CATEGORY_SCHEMA = record({ id: ID, ...LVIS_CATEGORY }, ['id']);

const COMPARED = ['id', 'image_id', 'category_id'];

/** One entry of `annotations` with the fields that the COCO evaluation needs for one kind of comparison. */
export const COMPARED_SCHEMAS: Readonly<Record<IouType, RecordSchema>> = {
  bbox: record({ ...OBJECT, bbox: BOX }, [...COMPARED, 'bbox']),
  segm: record(
    {
      ...OBJECT,
      segmentation: { if: { type: 'object' }, then: RLE, else: { ...POLYGONS, minItems: 1 } },
    },
    [...COMPARED, 'segmentation'],
  ),
  keypoints: record(
    { ...OBJECT, bbox: BOX, keypoints: { ...NUMBERS, minItems: 1 }, num_keypoints: NUMBER },
    [...COMPARED, 'bbox', 'keypoints'],
  ),
};

/** A field of a result with the location of the object. */
export type ResultField = keyof typeof RESULT_FIELDS & keyof ResultRecord;

const RESULT_FIELDS = {
  /** `[]` occurs together with masks. */
  bbox: { ...NUMBERS, if: { minItems: 1 }, then: { minItems: 4, maxItems: 4 } },
  segmentation: SEGMENTATION,
  keypoints: NUMBERS,
};

const resultSchemas = new Map<string, object>();

/** One detection of a result file: a box, a mask or keypoints, or several of them. @param fields those that are looked at */
export function resultSchema(fields: readonly ResultField[]): object {
  const key = fields.join();
  let schema = resultSchemas.get(key);
  if (!schema) {
    const required = ['image_id', 'category_id', 'score'];
    const picked: Fields = Object.fromEntries(fields.map((field) => [field, RESULT_FIELDS[field]]));
    schema = {
      ...record({ image_id: ID, category_id: ID, score: NUMBER, ...picked }, required),
      anyOf: Object.keys(RESULT_FIELDS).map((field) => ({ required: [field] })),
    };
    resultSchemas.set(key, schema);
  }
  return schema;
}

function record(
  properties: Fields,
  required: readonly string[] = Object.keys(properties),
): RecordSchema {
  return { type: 'object', required, properties };
}
