import type { RgbImage } from '../../core/image.js';
import type { SampleContext } from '../../datasets/loader/pipeline.js';
import type { DetectionSample } from '../../datasets/sample.js';
import { copyPaste } from '../../datasets/transforms/copy-paste.js';
import { transformImage } from '../../datasets/transforms/geometry-image.js';
import { keepRatioSize } from '../../datasets/transforms/keep-ratio.js';
import { transformObjects } from '../../datasets/transforms/objects.js';
import type { DetectionTransform } from '../config/detect.js';

/** Sides of an image that is pasted on or from, in those of the largest view of it: more pixels would be dropped again. */
const REDUCED = 4;
/** Bytes of images that a worker keeps, and the largest image among them. */
const [KEPT_BYTES, MOST_BYTES] = [2 ** 26, 2 ** 22];

/** An image with its sample, whose sizes and boxes are those of the image. */
interface Read {
  readonly image: RgbImage;
  readonly sample: DetectionSample;
}

/**
 * Pastes objects of other images of the set into an image. Photos with boxes that are several times larger than what is seen of
 * them are reduced before, and small images stay in memory, since each is read twice as often as without pasting.
 */
export class Paster {
  private readonly kept = new Map<string, Read>();
  private keptBytes = 0;
  private readonly numOthers: number;
  private readonly longestShort: number;

  /** @param decode reads the pixels of a sample */
  constructor(
    transform: DetectionTransform,
    private readonly decode: (sample: DetectionSample) => Promise<RgbImage>,
  ) {
    this.numOthers = transform.kind === 'evaluation' ? 0 : (transform.copyPaste ?? 0);
    this.longestShort =
      transform.kind === 'multiScale' ? REDUCED * largestView(transform) : Infinity;
  }

  /** @returns undefined if nothing is to be pasted */
  async pasted(
    sample: DetectionSample,
    {
      random,
      numSamples,
      fetch,
    }: Pick<SampleContext<DetectionSample>, 'random' | 'numSamples' | 'fetch'>,
  ): Promise<Read | undefined> {
    if (this.numOthers === 0) return undefined;
    const annotated = ({ image, sample: { objects, ignored } }: Read) => ({
      image,
      objects,
      ignored,
    });
    const target = await this.read(sample);
    const others = [];
    while (others.length < this.numOthers)
      others.push(annotated(await this.read(await fetch(random.integer(numSamples)))));
    // Kept pixels are not drawn on; `slice` of a Buffer would be a view.
    const copy = { ...target.image, data: new Uint8Array(target.image.data) };
    const { image, objects } = copyPaste({ ...annotated(target), image: copy }, others, random);
    return { image, sample: { ...target.sample, objects } };
  }

  private async read(sample: DetectionSample): Promise<Read> {
    const key = `${sample.imageId} ${sample.file}`;
    const known = this.kept.get(key);
    if (known) {
      // Images that were not used for longest go first.
      this.kept.delete(key);
      this.kept.set(key, known);
      return known;
    }
    const read = this.reduced(sample, await this.decode(sample));
    const bytes = read.image.data.byteLength;
    // Another call may have read the same image meanwhile.
    if (sample.image || bytes > MOST_BYTES || this.kept.has(key)) return read;
    this.kept.set(key, read);
    this.keptBytes += bytes;
    for (const [name, { image }] of this.kept) {
      if (this.keptBytes <= KEPT_BYTES) break;
      this.kept.delete(name);
      this.keptBytes -= image.data.byteLength;
    }
    return read;
  }

  /** Masks are in pixels of the file, so that images with them keep their size. */
  private reduced(sample: DetectionSample, image: RgbImage): Read {
    const { objects, ignored } = sample;
    const hasMasks = [objects, ignored].some(({ segmentations }) =>
      segmentations.some(({ kind }) => kind !== 'none'),
    );
    const short = Math.min(image.width, image.height);
    if (hasMasks || short <= this.longestShort) return { image, sample };
    const size = keepRatioSize(image, { short: this.longestShort, long: Infinity });
    const steps = [{ kind: 'resize', size }] as const;
    return {
      image: transformImage(image, steps),
      sample: {
        ...sample,
        ...size,
        objects: transformObjects(objects, image, steps),
        ignored: transformObjects(ignored, image, steps),
      },
    };
  }
}

/** Largest short side in pixels in which an image is seen, before and after its crop. */
const largestView = ({
  scales: { shortSides, crop },
}: Extract<DetectionTransform, { readonly kind: 'multiScale' }>): number =>
  Math.max(...shortSides, ...(crop?.shortSides ?? []));
