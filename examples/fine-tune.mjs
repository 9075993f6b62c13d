// Fine-tunes a classifier from weights. Run own-classifier.mjs and own-encoder.mjs first: they make the images and an encoder.
// node examples/fine-tune.mjs [folder] [weights]
import { loadModel, train } from 'convnextv2';

const out = process.argv[2] ?? 'runs/examples';
// Published weights are named, pulled once and not for commercial use (CC-BY-NC 4.0): 'tiny.fcmae_ft_in1k'.
const weights = process.argv[3] ?? `${out}/encoder`;

const inputSize = 64; // leave out the sizes for a real run: 224
const { step, metrics } = await train('classify-finetune', {
  data: `${out}/classes`,
  folder: `${out}/fine-tuned`,
  weights,
  epochs: 2, // the schedule is laid out for them; without: by the size of the set
  config: { training: { inputSize }, evaluation: { inputSize } },
  listener: { note: (line) => console.log(line) },
});
console.log(`${step} steps: ${(100 * metrics.top1).toFixed(1)} % of the held-out images`);

const model = await loadModel(`${out}/fine-tuned`, { top: 2 });
console.log((await model.predict(`${out}/classes/val/ring/0000.png`)).classes);
await model.release();
