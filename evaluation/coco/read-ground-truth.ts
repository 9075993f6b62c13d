import { DataError } from '../../core/errors.js';
import { GrowingNumbers } from '../growing-array.js';
import { JsonScanner } from '../json-scanner.js';
import {
  CocoGroundTruthBuilder,
  type CocoCategory,
  type CocoDomain,
  type CocoGroundTruth,
  type IouType,
} from './objects.js';
import type { NamedText } from './read-detections.js';
import { SegmentationReader } from './read-segmentation.js';
import { isInShard, type ImageShard } from './shard.js';

/**
 * Reads an annotation file in COCO's format. Only what `iouType` compares is kept. The bytes are changed: escapes
 * in compressed masks are resolved in place, and the masks stay there.
 *
 * @param shard the share of the images whose masks are needed; the others get empty ones
 * @throws DataError if the text is no such file or an object lacks what is compared
 */
export function readCocoGroundTruth(
  { bytes, file }: NamedText,
  iouType: IouType,
  shard?: ImageShard,
): CocoGroundTruth {
  const scanner = new JsonScanner(bytes, file);
  let images: ImageList | undefined;
  let categories: readonly CocoCategory[] | undefined;
  let reader: AnnotationReader | undefined;
  let annotationsAt = -1;
  scanner.readObject((key) => {
    if (key === 'images') images = readImages(scanner);
    else if (key === 'categories') categories = readCategories(scanner);
    else if (key === 'annotations' && images)
      reader = readAnnotations(scanner, file, images, iouType, shard);
    else {
      if (key === 'annotations') annotationsAt = scanner.pos;
      scanner.skip();
    }
  });
  scanner.finish();
  if (!images) throw new DataError(`${file}: expected "images", got none`, { file });
  if (!categories) throw new DataError(`${file}: expected "categories", got none`, { file });
  if (!reader) {
    if (annotationsAt < 0)
      throw new DataError(`${file}: expected "annotations", got none`, { file });
    // They stood before the images, whose sizes polygons need.
    scanner.pos = annotationsAt;
    reader = readAnnotations(scanner, file, images, iouType, shard);
  }
  return { ...reader.build(), categories, source: file };
}

type ImageList = Omit<CocoDomain, 'categories'>;

function readAnnotations(
  scanner: JsonScanner,
  file: string,
  images: ImageList,
  iouType: IouType,
  shard?: ImageShard,
): AnnotationReader {
  const reader = new AnnotationReader(scanner, file, { ...images, categories: [] }, iouType, shard);
  reader.readAll();
  return reader;
}

function readImages(scanner: JsonScanner): ImageList {
  const [ids, heights, widths] = [new GrowingNumbers(), new GrowingNumbers(), new GrowingNumbers()];
  scanner.readList((index) => {
    let id = NaN;
    let [height, width] = [0, 0];
    scanner.readObject((key) => {
      if (key === 'id') id = scanner.readNumber();
      else if (key === 'height' && scanner.kind() === 'number') height = scanner.readNumber();
      else if (key === 'width' && scanner.kind() === 'number') width = scanner.readNumber();
      else scanner.skip();
    });
    if (!Number.isSafeInteger(id)) throw scanner.error(`a whole number as id of image ${index}`);
    ids.push(id);
    heights.push(height);
    widths.push(width);
  });
  return { imageIds: ids.view(), imageHeights: heights.view(), imageWidths: widths.view() };
}

function readCategories(scanner: JsonScanner): readonly CocoCategory[] {
  const categories: CocoCategory[] = [];
  scanner.readList((index) => {
    let id = NaN;
    let name: string | undefined;
    scanner.readObject((key) => {
      if (key === 'id') id = scanner.readNumber();
      else if (key === 'name' && scanner.kind() === 'string') name = scanner.readString();
      else scanner.skip();
    });
    if (!Number.isSafeInteger(id)) throw scanner.error(`a whole number as id of category ${index}`);
    categories.push({ id, name: name ?? String(id) });
  });
  return categories;
}

/** Reads annotations one by one; the fields hold the annotation at hand. */
class AnnotationReader {
  private readonly builder: CocoGroundTruthBuilder;
  private readonly segmentation: SegmentationReader;
  private readonly imageIndexOf: ReadonlyMap<number, number>;
  private readonly box = new Float64Array(4);
  private readonly keypoints = new GrowingNumbers();
  private id = NaN;
  private imageId = NaN;
  private categoryId = NaN;
  private area = NaN;
  private numKeypoints = NaN;
  private isCrowd = false;
  private ignore = false;
  private hasBox = false;
  private segmentationAt = -1;

  constructor(
    private readonly scanner: JsonScanner,
    private readonly file: string,
    private readonly domain: CocoDomain,
    private readonly iouType: IouType,
    private readonly shard?: ImageShard,
  ) {
    this.builder = new CocoGroundTruthBuilder(domain, scanner.bytes);
    this.segmentation = new SegmentationReader(scanner, this.builder.masks);
    this.imageIndexOf = new Map(Array.from(domain.imageIds, (id, index) => [id, index]));
  }

  readAll(): void {
    const { scanner, file } = this;
    let at = 0;
    try {
      scanner.readList((index) => {
        at = index;
        this.clear();
        scanner.readObject(this.readMember);
        this.add();
      });
    } catch (cause) {
      if (!(cause instanceof DataError)) throw cause;
      const id = Number.isNaN(this.id) ? `at index ${at}` : this.id;
      const place = cause.message.startsWith(`${file}: `) ? file.length + 2 : 0;
      const message = `${file}: annotation ${id}: ${cause.message.slice(place)}`;
      throw new DataError(message, { cause, file, id });
    }
  }

  build(): CocoGroundTruth {
    return this.builder.build();
  }

  private clear(): void {
    this.id = this.imageId = this.categoryId = this.area = this.numKeypoints = NaN;
    this.isCrowd = this.ignore = this.hasBox = false;
    this.segmentationAt = -1;
    this.keypoints.length = 0;
  }

  private readonly readMember = (key: string): void => {
    const { scanner } = this;
    if (key === 'id') this.id = scanner.readNumber();
    else if (key === 'image_id') this.imageId = scanner.readNumber();
    else if (key === 'category_id') this.categoryId = scanner.readNumber();
    else if (key === 'area') this.area = scanner.readNumber();
    else if (key === 'iscrowd') this.isCrowd = scanner.readFlag();
    else if (key === 'ignore') this.ignore = scanner.readFlag();
    else if (key === 'num_keypoints') this.numKeypoints = scanner.readNumber();
    else if (key === 'bbox') this.hasBox = scanner.readNumbers(this.box, 4);
    else if (key === 'keypoints' && this.iouType === 'keypoints') {
      this.keypoints.length = 0;
      scanner.readList(() => this.keypoints.push(scanner.readNumber()));
    } else {
      if (key === 'segmentation') this.segmentationAt = scanner.pos;
      scanner.skip();
    }
  };

  private add(): void {
    const { builder, box, iouType, id, imageId, categoryId, area } = this;
    assertWhole('id', id);
    assertWhole('image_id', imageId);
    assertWhole('category_id', categoryId);
    if (Number.isNaN(area)) throw missing('area');
    if (!this.hasBox && iouType !== 'segm') throw missing('bbox');
    if (!this.hasBox) box.fill(0);
    if (iouType === 'segm') this.readMask();
    if (iouType === 'keypoints' && this.keypoints.length === 0) throw missing('keypoints');
    builder.add({
      id,
      imageId,
      categoryId,
      area,
      isCrowd: this.isCrowd,
      ignore: this.ignore,
      box,
      keypoints: iouType === 'keypoints' ? this.keypoints.view() : undefined,
      numKeypoints: Number.isNaN(this.numKeypoints) ? undefined : this.numKeypoints,
    });
  }

  /** Reads the segmentation after the other members, when the image and its size are known. */
  private readMask(): void {
    const { scanner, domain, imageIndexOf, imageId, shard } = this;
    if (this.segmentationAt < 0) throw missing('segmentation');
    if (shard && !isInShard(imageId, shard)) return this.builder.masks.addRange(0, 0, 0, 0);
    const after = scanner.pos;
    scanner.pos = this.segmentationAt;
    const found = this.segmentation.read(() => {
      const index = imageIndexOf.get(imageId);
      if (index === undefined) throw new DataError(`expected a known image_id, got ${imageId}`);
      return [domain.imageHeights[index], domain.imageWidths[index]];
    });
    scanner.pos = after;
    if (!found) throw missing('segmentation');
  }
}

function assertWhole(key: string, value: number): void {
  if (Number.isNaN(value)) throw missing(key);
  if (!Number.isSafeInteger(value))
    throw new DataError(`expected a whole number as ${key}, got ${value}`);
}

function missing(key: string): DataError {
  return new DataError(`expected "${key}", got none`);
}
