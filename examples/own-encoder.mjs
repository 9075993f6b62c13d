// Pre-trains an encoder on images without labels (FCMAE) and fine-tunes a classifier from it. Run own-classifier.mjs first.
// node examples/own-encoder.mjs [folder]
import { train } from 'convnextv2';
import { convnextv2 } from './cli.mjs';

const out = process.argv[2] ?? 'runs/examples';
const data = `${out}/classes`;
const at = (inputSize) => ({ training: { inputSize }, evaluation: { inputSize } });
await train('fcmae-atto', {
  data,
  folder: `${out}/encoder`,
  config: { epochs: 2, warmupEpochs: 1, batchSize: 16, accumulation: 1, ...at(96) },
});
await train('classify-finetune', {
  data,
  folder: `${out}/from-encoder`,
  weights: `${out}/encoder`,
  config: { epochs: 1, warmupEpochs: 0, ...at(64) },
});
convnextv2(`analyze logs ${out}/classifier ${out}/from-encoder --out ${out}/compared.html`);
