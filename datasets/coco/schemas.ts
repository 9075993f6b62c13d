/**
 * JSON Schemas of the COCO formats: annotation files (`instances`, `keypoints`) and result files. Records are
 * validated one at a time, so each has a schema of its own; the whole documents are composed of them.
 *
 * @see https://cocodataset.org/#format-data and https://cocodataset.org/#format-results
 */

/** Ids above 2⁵³ would be rounded when parsed, and two different ones could become equal. */
const ID = { type: 'integer', minimum: -9007199254740991, maximum: 9007199254740991 } as const;
const SIDE = { type: 'integer', minimum: 1, maximum: 1000000 } as const;
const BOX = { type: 'array', items: { type: 'number' }, minItems: 4, maxItems: 4 } as const;
const FLAG = { enum: [0, 1, true, false] } as const;

const RLE = {
  type: 'object',
  required: ['size', 'counts'],
  properties: {
    size: {
      type: 'array',
      items: { type: 'integer', minimum: 0, maximum: 1000000 },
      minItems: 2,
      maxItems: 2,
    },
    counts: {
      if: { type: 'array' },
      then: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 4294967295 } },
      else: { type: 'string' },
    },
  },
} as const;

const POLYGONS = {
  type: 'array',
  items: { type: 'array', items: { type: 'number' } },
} as const;

/** `null` and `[]` occur where a file has boxes only. */
const SEGMENTATION = {
  if: { type: 'object' },
  then: RLE,
  else: { if: { type: 'null' }, else: POLYGONS },
} as const;

/** One entry of `images`. */
export const IMAGE_SCHEMA = {
  type: 'object',
  required: ['id', 'file_name', 'width', 'height'],
  properties: {
    id: ID,
    file_name: { type: 'string', minLength: 1 },
    width: SIDE,
    height: SIDE,
  },
} as const;

const ANNOTATION_PROPERTIES = {
  id: ID,
  image_id: ID,
  category_id: ID,
  bbox: BOX,
  area: { type: 'number' },
  iscrowd: FLAG,
  ignore: FLAG,
  segmentation: SEGMENTATION,
} as const;

/** One entry of `annotations` of an instances file. */
export const INSTANCE_SCHEMA = {
  type: 'object',
  required: ['id', 'image_id', 'category_id', 'bbox'],
  properties: ANNOTATION_PROPERTIES,
} as const;

/** One entry of `annotations` of a keypoints file: `x, y, v` a point, v = 0 (absent), 1 (hidden) or 2 (visible). */
export const KEYPOINTS_SCHEMA = {
  type: 'object',
  required: ['id', 'image_id', 'category_id', 'bbox', 'keypoints', 'num_keypoints'],
  properties: {
    ...ANNOTATION_PROPERTIES,
    keypoints: { type: 'array', items: { type: 'number' } },
    num_keypoints: { type: 'integer', minimum: 0 },
  },
} as const;

/** One entry of `categories`. */
export const CATEGORY_SCHEMA = {
  type: 'object',
  required: ['id', 'name'],
  properties: {
    id: ID,
    name: { type: 'string', minLength: 1 },
    supercategory: { type: ['string', 'null'] },
    keypoints: { type: 'array', items: { type: 'string' } },
    skeleton: {
      type: 'array',
      items: { type: 'array', items: { type: 'integer' }, minItems: 2, maxItems: 2 },
    },
  },
} as const;

/** One detection of a result file: a box, a mask or keypoints, or several of them. */
export const RESULT_SCHEMA = {
  type: 'object',
  required: ['image_id', 'category_id', 'score'],
  anyOf: [
    { type: 'object', required: ['bbox'] },
    { type: 'object', required: ['segmentation'] },
    { type: 'object', required: ['keypoints'] },
  ],
  properties: {
    image_id: ID,
    category_id: ID,
    score: { type: 'number' },
    bbox: BOX,
    segmentation: SEGMENTATION,
    keypoints: { type: 'array', items: { type: 'number' } },
  },
} as const;

/** A whole instances file. */
export const INSTANCES_FILE_SCHEMA = fileSchema('COCO instances', INSTANCE_SCHEMA);

/** A whole keypoints file. */
export const KEYPOINTS_FILE_SCHEMA = fileSchema('COCO keypoints', KEYPOINTS_SCHEMA);

/** A whole result file. */
export const RESULTS_FILE_SCHEMA = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'COCO results',
  type: 'array',
  items: RESULT_SCHEMA,
} as const;

function fileSchema(title: string, annotation: object): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title,
    type: 'object',
    required: ['images', 'annotations', 'categories'],
    properties: {
      images: { type: 'array', items: IMAGE_SCHEMA },
      annotations: { type: 'array', items: annotation },
      categories: { type: 'array', items: CATEGORY_SCHEMA },
    },
  };
}
