import { decodeImage } from '../io/image/decode.js';
import { evaluationGeometry, evaluationResize } from '../datasets/transforms/evaluation.js';
import {
  IMAGENET_PIXELS,
  normalizationTable,
  normalizeInto,
} from '../datasets/transforms/normalize.js';
import { resizePil } from '../datasets/transforms/resize-pil.js';
import { openEngine } from '../engine/runtime/engine.js';
import { loadClassifier } from '../inference/classify/load.js';

/**
 * Computes the logits of one image under each preprocessing that the published parity vectors may have used: the
 * evaluation transform, the same without center crop, and resized to a square.
 *
 * @param inputSize side of the input in pixels
 * @see Hugging Face's ConvNeXt V2 converter, which remarks that its vectors come without center crop
 */
export async function parityLogits(
  file: string,
  imageFile: string,
  inputSize: number,
): Promise<Readonly<Record<string, Float32Array>>> {
  const { model, store } = await loadClassifier(file);
  const image = await decodeImage(imageFile);
  const resize = evaluationResize(inputSize);
  const { size, window } = evaluationGeometry(image, resize);
  const full = { x: 0, y: 0, ...size };
  const square = { width: inputSize, height: inputSize };
  const variants = {
    'evaluation transform': { size, window },
    'without center crop': { size, window: full },
    warped: { size: square, window: { x: 0, y: 0, ...square } },
  };
  const engine = await openEngine();
  const program = engine.prepare(model.inference, store);
  const table = normalizationTable(IMAGENET_PIXELS);
  const results: Record<string, Float32Array> = {};
  for (const [name, geometry] of Object.entries(variants)) {
    const resized = resizePil(image, { filter: resize.filter, ...geometry });
    const data = new Float32Array(resized.width * resized.height * 3);
    normalizeInto(resized, table, data, { offset: 0 });
    const shape = [1, resized.height, resized.width, 3];
    const { logits } = await program.run({ image: { shape, data } });
    results[name] = (logits.data as Float32Array).slice();
  }
  await program.release();
  return results;
}
