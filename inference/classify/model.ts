import type { RgbImage } from '../../core/image.js';
import type { HostTensor } from '../../engine/runtime/program.js';
import type { ImageInput } from '../../io/image/input.js';
import { decodingFor } from '../decoding.js';
import { queued, type Given, type Opened, type Predict } from '../opened.js';
import { assertBatchCall, type CallOptions } from '../predict-options.js';
import { CallQueue } from '../queue.js';
import { classification, type Classification } from './classification.js';
import { joinedInputs } from './preprocess.js';

/** An open classifier. */
export interface ClassifierModel extends Opened<'classify'> {
  /** Whether the network takes whole images, as that of an exported file, which resizes them; others take resized ones. */
  readonly takesWholeImages: boolean;
  /**
   * Preprocesses an image for `predictBatch`.
   *
   * @returns `[1, H, W, 3]`
   * @throws InputError for an invalid image; DataError for a file that cannot be decoded
   */
  preprocess(image: ImageInput): Promise<HostTensor>;
  /**
   * Predicts a batch of preprocessed images; `predict` is the batch of one. Queued like it.
   *
   * @param inputs `[N, H, W, 3]` of equal height and width
   * @returns by image, in order
   * @throws InputError for other inputs; as `predict`
   */
  predictBatch(
    inputs: readonly HostTensor[],
    options?: CallOptions,
  ): Promise<readonly Classification[]>;
  /**
   * Runs only the network on a batch of images. Queued like `predict`.
   *
   * @param images `[N, H, W, 3]`, preprocessed
   * @returns `[N, K]`
   */
  logits(images: HostTensor, options?: CallOptions): Promise<Float32Array>;
}

/** Network of a classifier. */
export interface ClassifierNetwork extends Pick<ClassifierModel, 'takesWholeImages'> {
  /** Converts an image to an input `[1, H, W, 3]`. */
  inputOf(image: RgbImage): HostTensor;
  /** Computes the logits `[N, K]`, which the next call may overwrite. */
  run(images: HostTensor): Promise<Float32Array>;
  free(): Promise<void>;
}

/** Creates a classifier of a network. */
export function classifierOf(
  given: Given<'classify'>,
  network: ClassifierNetwork,
): ClassifierModel {
  const { loaded, readers, options } = given;
  const { card } = loaded;
  const { takesWholeImages, inputOf, run, free } = network;
  const queue = new CallQueue(loaded.verified);
  // A copy, because the next call may start before the caller reads it.
  const logits = async (images: HostTensor): Promise<Float32Array> => (await run(images)).slice();
  const batch = async (inputs: readonly HostTensor[]): Promise<readonly Classification[]> => {
    const values = await logits(joinedInputs(inputs)); // [N, K]
    const K = card.classNames.length;
    return Array.from({ length: values.length / K }, (_, n) =>
      classification(values.subarray(n * K, (n + 1) * K), card.classNames),
    );
  };
  const predict: Predict<'classify'> = async (image, { top = options.top }) => {
    const { width, height } = image;
    const [{ classes }] = await batch([inputOf(image as RgbImage)]); // without tiles
    return { task: 'classify', width, height, classes: classes(top) };
  };
  return {
    ...queued('classify', given, predict, free, queue),
    takesWholeImages,
    preprocess: async (image) => inputOf(await readers.whole(image, decodingFor(card))()),
    predictBatch: async (inputs, call = {}) => {
      assertBatchCall('predictBatch', inputs, call, takesWholeImages);
      return queue.run(() => batch(inputs), call.signal);
    },
    logits: async (images, call = {}) => {
      assertBatchCall('logits', [images], call, takesWholeImages);
      return queue.run(() => logits(images), call.signal);
    },
  };
}
