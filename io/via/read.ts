import { rectangleBetween, type DrawnRegion } from '../../core/drawn-region.js';
import { AnnotationsError, quote } from '../../core/errors.js';
import { isRecord } from '../../core/foreign-value.js';
import * as t from '../../core/schema.js';
import { decodeJson } from '../files/json.js';
import { compileSchema, formatProblems, type SchemaCheck } from '../schema.js';

/** A region of an image. */
export interface ViaRegion {
  /** Position or key in `regions`. */
  readonly position: number | string;
  /** The region, or the name of a shape that marks none: `polyline`, `point`. */
  readonly region: DrawnRegion | string;
  /** Values by attribute; of a checkbox, the chosen options joined by a comma. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** An image and its regions. */
export interface ViaImage {
  /** Key in the file: file name and size in bytes. */
  readonly key: string;
  /** Path of the image, with `/`. */
  readonly fileName: string;
  readonly regions: readonly ViaRegion[];
  /** Regions that do not fit the format: `regions[2]: width: expected a number above 0, got 0`. */
  readonly problems: readonly string[];
}

/** An annotation file or project file of the VGG Image Annotator. */
export interface ViaFile {
  readonly images: readonly ViaImage[];
  /** Options of the region attributes in their order; undefined for free text. Empty without a project. */
  readonly options: ReadonlyMap<string, readonly string[] | undefined>;
}

/** A record that may have other fields. */
const open = <const F extends t.Fields>(fields: F) => t.withUnknownFields(t.record(fields));
const BOX = { x: t.number(), y: t.number(), width: t.POSITIVE, height: t.POSITIVE };
const CENTER = { cx: t.number(), cy: t.number() };
const ELLIPSE = { ...CENTER, rx: t.POSITIVE, ry: t.POSITIVE, theta: t.optional(t.number()) };
const POINTS = { all_points_x: t.listOf(t.number()), all_points_y: t.listOf(t.number()) };
/** Schemas of the shapes that are regions. */
const SHAPES = {
  rect: open({ name: t.literal('rect'), ...BOX }),
  circle: open({ name: t.literal('circle'), ...CENTER, r: t.POSITIVE }),
  ellipse: open({ name: t.literal('ellipse'), ...ELLIPSE }),
  polygon: open({ name: t.literal('polygon'), ...POINTS }),
};
type ShapeName = keyof typeof SHAPES;
type Shape = t.Infer<(typeof SHAPES)[ShapeName]>;

const REGION = {
  type: 'object',
  required: ['shape_attributes'],
  properties: {
    shape_attributes: {
      type: 'object',
      required: ['name'],
      properties: { name: { type: 'string', minLength: 1 } },
    },
    region_attributes: { type: ['object', 'null'] },
  },
};
const IMAGE = {
  type: 'object',
  required: ['filename'],
  properties: {
    filename: { type: 'string', minLength: 1 },
    regions: { type: ['array', 'object', 'null'] },
  },
};

type JsonObject = Readonly<Record<string, unknown>>;

/** Whether a JSON document is a project or the exported annotations of VIA. */
export function isVia(content: unknown): boolean {
  if (!isRecord(content)) return false;
  if (isRecord(content['_via_img_metadata'])) return true;
  const [first] = Object.values(content);
  return isRecord(first) && 'filename' in first && 'regions' in first;
}

/**
 * Reads a project (`_via_img_metadata`) or the exported annotations of the VGG Image Annotator, versions 1 and 2. Regions
 * that do not fit the format are listed with their image.
 *
 * @throws DataError if the document is none of them
 * @see https://www.robots.ox.ac.uk/~vgg/software/via/
 */
export function readVia(bytes: Uint8Array, file: string): ViaFile {
  const content = decodeJson(bytes, file, 'annotations of VIA');
  if (!isVia(content))
    throw AnnotationsError.in(
      file,
      `expected a project or annotations of VIA 2, got ${quote(content)}`,
    );
  const fields = content as JsonObject;
  const images = (fields['_via_img_metadata'] ?? fields) as JsonObject;
  return {
    images: Object.entries(images).map(([key, image]) => imageOf(key, image, file)),
    options: optionsOf(fields['_via_attributes']),
  };
}

function imageOf(key: string, image: unknown, file: string): ViaImage {
  const wrong = compileSchema(IMAGE)(image);
  if (wrong.length > 0) throw AnnotationsError.in(file, `${quote(key)}: ${formatProblems(wrong)}`);
  const { filename, regions } = image as JsonObject;
  const listed: readonly (readonly [string | number, unknown])[] = Array.isArray(regions)
    ? regions.map((region, i) => [i, region] as const)
    : Object.entries((regions ?? {}) as JsonObject); // version 1 wrote a map
  const read: ViaRegion[] = [];
  const problems: string[] = [];
  for (const [position, region] of listed) {
    const found = regionOf(region);
    if (typeof found === 'string') problems.push(`regions[${position}]: ${found}`);
    else read.push({ position, ...found });
  }
  return { key, fileName: String(filename).replaceAll('\\', '/'), regions: read, problems };
}

/** @returns the region, or the problem with it */
function regionOf(region: unknown): Omit<ViaRegion, 'position'> | string {
  const wrong = compileSchema(REGION)(region);
  if (wrong.length > 0) return formatProblems(wrong);
  const { shape_attributes: drawn, region_attributes: values } = region as JsonObject;
  const attributes = Object.fromEntries(
    Object.entries((values ?? {}) as JsonObject).map(([name, value]) => [name, textOf(value)]),
  );
  const { name } = drawn as { readonly name: string };
  if (!Object.hasOwn(SHAPES, name)) return { region: name, attributes };
  const check: SchemaCheck = compileSchema(SHAPES[name as ShapeName]);
  const misfits = check(drawn);
  if (misfits.length > 0) return `${name}: ${formatProblems(misfits)}`;
  const drawnRegion = drawnRegionOf(drawn as Shape);
  return typeof drawnRegion === 'string' ? drawnRegion : { region: drawnRegion, attributes };
}

function drawnRegionOf(drawn: Shape): DrawnRegion | string {
  switch (drawn.name) {
    case 'rect':
      return rectangleBetween(drawn.x, drawn.y, drawn.x + drawn.width, drawn.y + drawn.height);
    case 'circle': {
      const { cx, cy, r } = drawn;
      return { kind: 'ellipse', center: [cx, cy], radii: [r, r], angle: 0 };
    }
    case 'ellipse': {
      const { cx, cy, rx, ry, theta = 0 } = drawn;
      return { kind: 'ellipse', center: [cx, cy], radii: [rx, ry], angle: theta };
    }
    case 'polygon': {
      const { all_points_x: xs, all_points_y: ys } = drawn;
      if (xs.length !== ys.length)
        return `polygon: expected as many x as y, got ${xs.length} and ${ys.length}`;
      if (xs.length < 3) return `polygon: expected at least 3 points, got ${xs.length}`;
      return { kind: 'polygon', points: xs.flatMap((x, i) => [x, ys[i]]) };
    }
    default:
      return drawn satisfies never;
  }
}

/** Checkboxes are objects from the options to true or false. */
function textOf(value: unknown): string {
  if (isRecord(value))
    return Object.entries(value)
      .filter(([, chosen]) => chosen === true)
      .map(([option]) => option)
      .join(',');
  return typeof value === 'string' ? value.trim() : quote(value);
}

function optionsOf(attributes: unknown): ViaFile['options'] {
  const region = isRecord(attributes) ? attributes['region'] : undefined;
  const entries = Object.entries(isRecord(region) ? region : {});
  return new Map(
    entries.map(([name, attribute]) => {
      const options = isRecord(attribute) ? attribute['options'] : undefined;
      const listed = isRecord(options) ? Object.keys(options).filter((key) => key !== '') : [];
      return [name, listed.length > 0 ? listed : undefined] as const;
    }),
  );
}

/**
 * Chooses the attribute that holds the class: the wanted one, else the only one with options, else the only one.
 *
 * @returns undefined if no region has an attribute
 * @throws DataError if the wanted one is unknown, or there are several; the message lists them
 */
export function classAttribute(
  { images, options }: ViaFile,
  file: string,
  wanted: string | undefined,
): string | undefined {
  const used = new Set<string>(options.keys());
  for (const { regions } of images)
    for (const { attributes } of regions)
      for (const name of Object.keys(attributes)) used.add(name);
  const names = [...used];
  if (wanted !== undefined) {
    if (used.has(wanted)) return wanted;
    throw AnnotationsError.in(
      file,
      `expected a region attribute "${wanted}" as --class-attribute says, got ${names.join(', ') || 'none'}`,
    );
  }
  const chosen = names.filter((name) => options.get(name) !== undefined);
  const [only] = chosen.length === 1 ? chosen : names;
  if (chosen.length === 1 || names.length <= 1) return only;
  throw AnnotationsError.in(
    file,
    `expected one region attribute with the class, got ${(chosen.length > 1 ? chosen : names).join(', ')}; choose with --class-attribute NAME`,
  );
}
