import { assertText, isUint8Array } from '../../core/arguments.js';
import * as rule from '../../core/options.js';
import { partsOf, type ImageParts } from '../../core/image.js';
import type { ImageResult } from '../../core/results.js';
import { openWebEngine, type WebEngineOptions } from '../../engine/runtime/web-engine.js';
import { rgbOf, type PixelImage } from '../../io/image/pixels.js';
import {
  createModel,
  type ImageModel,
  type PredictCallOptions,
  type PredictOptions,
} from '../model.js';
import { PREDICT_RULES } from '../predict-options.js';
import { fetchModel, type FetchOptions } from './fetch-model.js';
import { pixelsOf, type WebImage } from './picture.js';
import { readWebModel } from './read.js';

/** Options of {@link loadModel} in a browser. */
export interface WebLoadOptions
  extends
    WebEngineOptions,
    FetchOptions,
    Pick<PredictOptions, 'tta' | 'slide' | 'tile' | 'score' | 'max' | 'top' | 'frozen'> {}

const { tta, slide, tile, score, max, top, frozen } = PREDICT_RULES;
const PREDICTION = { tta, slide, tile, score, max, top, frozen };

/** The engine checks its own. */
const RULES: rule.OptionRules<WebLoadOptions> = {
  provider: rule.ANYTHING,
  threads: rule.ANYTHING,
  wasmPaths: rule.A_TEXT,
  signal: rule.A_SIGNAL,
  onProgress: rule.A_FUNCTION,
  ...PREDICTION,
};

/** A model in a browser: that of Node with other images. */
export interface WebModel extends Pick<ImageModel, 'task' | 'classNames' | 'card'> {
  /** Runtime, for people: `onnxruntime-web (WebAssembly, 4 threads)`. */
  readonly engine: string;
  /**
   * Predicts the result for an image. Calls may overlap; they are processed one after the other.
   *
   * @throws InputError, DataError for something that is no image; the signal's reason
   */
  predict(image: WebImage, options?: PredictCallOptions): Promise<ImageResult>;
  /** Frees sessions and memory. */
  release(): Promise<void>;
}

/**
 * Loads a model that `convnextv2 export RUN --web DIR` wrote, in a page or a worker. Results and preprocessing are those of
 * Node.
 *
 * @param source URL of the model file, or its bytes
 * @throws WeightsError if it is not such a file; ConfigError for options; InputError for another source
 * @example
 *   const model = await loadModel('model/model.safetensors');
 *   const { objects } = await model.predict(document.querySelector('img'));
 */
export async function loadModel(
  source: string | URL | Uint8Array<ArrayBuffer>,
  options: WebLoadOptions = {},
): Promise<WebModel> {
  if (!isUint8Array(source) && !(source instanceof URL))
    assertText('loadModel', 'the URL of a model file, or its bytes', source);
  rule.assertOptions('loadModel', options, RULES);
  const bytes = source instanceof Uint8Array ? source : await fetchModel(String(source), options);
  const loaded = readWebModel(bytes, source instanceof Uint8Array ? 'model' : String(source));
  const engine = await openWebEngine(options);
  const whole = (image: unknown): (() => ReturnType<typeof rgbOf>) => {
    const pixels = rgbOf(image as PixelImage);
    return () => pixels;
  };
  const parts = (image: unknown): (() => ImageParts) => {
    const pixels = partsOf(whole(image)());
    return () => pixels;
  };
  const prediction = rule.optionsAmong(options, PREDICTION);
  const model = createModel(engine, loaded, { whole, parts }, prediction);
  return {
    task: model.task,
    classNames: model.classNames,
    card: model.card,
    engine: engine.description,
    predict: async (image, call) => model.predict(await pixelsOf(image), call),
    release: () => model.release(),
  };
}
