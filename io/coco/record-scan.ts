import type { ReadRle, TextBytes } from '../../core/coco.js';
import { Column } from '../../core/column.js';
import { closed, JsonBytes, NOT_TAKEN } from './json-bytes.js';

/**
 * Rule of a field that a scan keeps: what its value must be. Records with other values are not taken. An `optionalBox` may
 * be an empty list; a `mask` is a segmentation that is not empty.
 */
type FieldRule = 'id' | 'number' | 'flag' | 'box' | 'optionalBox' | 'segmentation' | 'mask';

/** Fields of one number each, and their positions in `RecordScan.numbers`. */
export const NUMBER_FIELDS = {
  id: 0,
  image_id: 1,
  category_id: 2,
  score: 3,
  area: 4,
  iscrowd: 5,
  ignore: 6,
  num_keypoints: 7,
} as const;
const NUM_NUMBERS = Object.keys(NUMBER_FIELDS).length;
const FIELDS = [
  ...(Object.keys(NUMBER_FIELDS) as (keyof typeof NUMBER_FIELDS)[]),
  'bbox',
  'segmentation',
  'keypoints',
] as const;

type FieldName = (typeof FIELDS)[number];

/** Fields of the records of a list. */
export interface ScanFields {
  /** Fields to keep. */
  readonly kept: Readonly<Partial<Record<FieldName, FieldRule | undefined>>>;
  /** Fields that any record must have. */
  readonly required: readonly FieldName[];
  /** Fields of which a record must have at least one; default: no such rule. */
  readonly anyOf?: readonly FieldName[] | undefined;
  /** Fields that make a record unusual. */
  readonly unusual?: readonly FieldName[] | undefined;
}

const CLOSE_OBJECT = 0x7d;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const COLON = 0x3a;
const LETTER_N = 0x6e;
const EMPTY: Uint8Array = new Uint8Array(0);
const MAX_SIDE = 1000000;

/**
 * Reads COCO's records from bytes into numbers, for records of the usual form: those that the schemas accept, with each
 * field once. For others `scan` returns `NOT_TAKEN`, and they have to be parsed and checked. The values are those of the
 * last record and valid until the next scan.
 */
export class RecordScan {
  /** Values of {@link NUMBER_FIELDS}; NaN if the record lacks them or they are not kept. */
  readonly numbers = new Float64Array(NUM_NUMBERS).fill(NaN);
  /** `[4]` x, y, width, height. */
  readonly box = new Float64Array(4);
  /** Whether there is a box of four numbers; an empty list is none. */
  hasBox = false;
  /** Kind of `segmentation`. */
  segmentation: 'missing' | 'null' | 'polygons' | 'runs' = 'missing';
  /** Coordinates `x0, y0, x1, y1, …` of all polygons. */
  readonly coordinates = new Column();
  /** End of each polygon in `coordinates`. */
  readonly polygonEnds: number[] = [];
  /** The mask if `segmentation` is `runs`. */
  readonly runs: ReadRle & { readonly counts: TextBytes };

  private readonly json = new JsonBytes();
  private readonly list = new Column();
  private readonly text = { bytes: EMPTY, start: 0, end: 0, isEscaped: false };
  private readonly size: [number, number] = [0, 0];
  private readonly keys = FIELDS.map((name) => Buffer.from(`"${name}"`, 'latin1'));
  private readonly rules: readonly (FieldRule | undefined)[];
  private readonly required: number;
  private readonly anyOf: number;
  private readonly unusual: number;
  /** Fields of the last record in order: the next one has nearly always the same. */
  private readonly order: number[] = [];
  /** Fields of the last record that was taken, so that the numbers of all others are NaN; 0 if that is not known. */
  private cleared = 0;
  private words = new DataView(EMPTY.buffer);

  constructor(fields: ScanFields) {
    this.runs = { size: this.size, counts: this.text };
    this.rules = FIELDS.map((name) => fields.kept[name]);
    this.required = bitsOf(fields.required);
    this.anyOf = bitsOf(fields.anyOf ?? fields.required);
    this.unusual = bitsOf(fields.unusual ?? []);
  }

  /** Reads the record at `at`. @returns the position after it, or `NOT_TAKEN` */
  scan(bytes: Uint8Array, at: number, length: number): number {
    const { json } = this;
    if (bytes !== json.bytes) this.words = new DataView(bytes.buffer, bytes.byteOffset);
    json.bytes = bytes;
    json.length = length;
    this.hasBox = false;
    this.segmentation = 'missing';
    const { cleared } = this;
    this.cleared = 0; // unless all goes well
    let present = 0;
    at = json.open(at, OPEN_OBJECT, CLOSE_OBJECT);
    for (let i = 0; at >= 0; i++) {
      const field = this.fieldAt(at, i);
      at = field < 0 ? json.plainString(at) : at + this.keys[field].length;
      if (at !== NOT_TAKEN) at = json.take(at, COLON);
      if (at === NOT_TAKEN) return NOT_TAKEN;
      const rule = field < 0 ? undefined : this.rules[field];
      if (field >= 0) {
        const bit = 1 << field;
        if ((present | this.unusual) & bit) return NOT_TAKEN;
        present |= bit;
      }
      at = rule === undefined ? json.skip(at) : this.takeField(at, field, rule);
      if (at === NOT_TAKEN) return NOT_TAKEN;
      at = json.next(at, CLOSE_OBJECT);
    }
    if (present !== cleared) this.clearMissing(present);
    this.cleared = present;
    const isComplete = (present & this.required) === this.required && present & this.anyOf;
    return isComplete ? closed(at) : NOT_TAKEN;
  }

  /** Numbers of fields that stay missing stay NaN: most records have the same fields. */
  private clearMissing(present: number): void {
    for (let field = 0; field < NUM_NUMBERS; field++)
      if (!(present & (1 << field))) this.numbers[field] = NaN;
  }

  /** Index of the field whose key is at `at`, −1 for another key. */
  private fieldAt(at: number, i: number): number {
    const { order, keys } = this;
    if (i < order.length && order[i] >= 0 && this.isKey(at, keys[order[i]])) return order[i];
    const field = keys.findIndex((key) => this.isKey(at, key));
    order[i] = field;
    return field;
  }

  private isKey(at: number, key: Uint8Array): boolean {
    const { bytes, length } = this.json;
    if (at + key.length > length) return false;
    for (let i = 0; i < key.length; i++) if (bytes[at + i] !== key[i]) return false;
    return true;
  }

  private takeField(at: number, field: number, rule: FieldRule): number {
    switch (rule) {
      case 'id':
      case 'number':
        at = this.json.number(at);
        if (rule === 'id' && !Number.isSafeInteger(this.json.value)) return NOT_TAKEN;
        this.numbers[field] = this.json.value;
        return at;
      case 'flag':
        return this.takeFlag(at, field);
      case 'box':
      case 'optionalBox':
        at = this.takeBox(at);
        return this.hasBox || rule === 'optionalBox' ? at : NOT_TAKEN;
      case 'segmentation':
        return this.takeSegmentation(at);
      case 'mask':
        at = this.takeSegmentation(at);
        return this.segmentation === 'runs' || this.polygonEnds.length > 0 ? at : NOT_TAKEN;
      default:
        return rule satisfies never;
    }
  }

  /** Takes 0, 1, false or true. */
  private takeFlag(at: number, field: number): number {
    const { json } = this;
    const isNumber = json.bytes[at] < COLON;
    at = isNumber ? json.number(at) : json.boolean(at);
    if (json.value !== 0 && json.value !== 1) return NOT_TAKEN;
    this.numbers[field] = json.value;
    return at;
  }

  private takeBox(at: number): number {
    const { json, box } = this;
    at = json.open(at, OPEN_ARRAY, CLOSE_ARRAY);
    this.hasBox = at >= 0;
    let count = 0;
    for (; at >= 0; count++) {
      at = json.number(at);
      if (at === NOT_TAKEN || count === 4) return NOT_TAKEN;
      box[count] = json.value;
      at = json.next(at, CLOSE_ARRAY);
    }
    return count === 0 || count === 4 ? closed(at) : NOT_TAKEN;
  }

  private takeSegmentation(at: number): number {
    const { json } = this;
    const byte = json.bytes[at];
    this.polygonEnds.length = 0;
    if (byte === LETTER_N) {
      this.segmentation = 'null';
      return json.null(at);
    }
    if (byte === OPEN_OBJECT) return this.takeRuns(at);
    this.segmentation = 'polygons';
    this.coordinates.clear();
    at = json.open(at, OPEN_ARRAY, CLOSE_ARRAY);
    while (at >= 0) {
      at = json.numbers(at, this.coordinates);
      if (at === NOT_TAKEN) return NOT_TAKEN;
      this.polygonEnds.push(this.coordinates.length);
      at = json.next(at, CLOSE_ARRAY);
    }
    return closed(at);
  }

  /** Takes `{"size":[h,w],"counts":"…"}`, in any order and without other fields. */
  private takeRuns(at: number): number {
    const { json } = this;
    this.segmentation = 'runs';
    let present = 0;
    at = json.open(at, OPEN_OBJECT, CLOSE_OBJECT);
    while (at >= 0) {
      const isSize = this.isKey(at, SIZE);
      if (!isSize && !this.isKey(at, COUNTS)) return NOT_TAKEN;
      at = json.take(at + (isSize ? SIZE : COUNTS).length, COLON);
      if (at === NOT_TAKEN) return NOT_TAKEN;
      at = isSize ? this.takeSize(at) : this.takeCounts(at);
      if (at === NOT_TAKEN || present & (isSize ? 1 : 2)) return NOT_TAKEN;
      present |= isSize ? 1 : 2;
      at = json.next(at, CLOSE_OBJECT);
    }
    return present === 3 ? closed(at) : NOT_TAKEN;
  }

  private takeSize(at: number): number {
    const { list, size } = this;
    list.clear();
    at = this.json.numbers(at, list);
    size[0] = list.at(0);
    size[1] = list.at(1);
    return list.length === 2 && isSide(size[0]) && isSide(size[1]) ? at : NOT_TAKEN;
  }

  /** Takes a string of the characters of run lengths; a backslash is doubled in it. */
  private takeCounts(at: number): number {
    const { text, words } = this;
    const { bytes, length } = this.json;
    if (bytes[at] !== QUOTE) return NOT_TAKEN;
    let isEscaped = false;
    for (let i = at + 1; i < length; i++) {
      while (i + 4 <= length && areOrdinary(words.getInt32(i))) i += 4;
      if (i === length) return NOT_TAKEN;
      const c = bytes[i];
      if ((c - 48) >>> 6 === 0) {
        if (c !== BACKSLASH) continue;
        if (bytes[++i] !== BACKSLASH) return NOT_TAKEN;
        isEscaped = true;
        continue;
      }
      if (c !== QUOTE) return NOT_TAKEN;
      text.bytes = bytes;
      text.start = at + 1;
      text.end = i;
      text.isEscaped = isEscaped;
      return i + 1;
    }
    return NOT_TAKEN;
  }
}

const SIZE = Buffer.from('"size"', 'latin1');
const COUNTS = Buffer.from('"counts"', 'latin1');

function bitsOf(names: readonly FieldName[]): number {
  return names.reduce((bits, name) => bits | (1 << FIELDS.indexOf(name)), 0);
}

/** Whether each of four characters is one of run lengths and no backslash. */
function areOrdinary(word: number): boolean {
  // A byte below "0" borrows from the next one, but then has its own upper bits set, as one above "o" has.
  if (((word - 0x30303030) & 0xc0c0c0c0) !== 0) return false;
  const different = word ^ 0x5c5c5c5c;
  return ((different - 0x01010101) & ~different & 0x80808080) === 0;
}

function isSide(value: number): boolean {
  return Number.isInteger(value) && value >= 0 && value <= MAX_SIDE;
}
