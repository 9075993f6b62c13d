// Pre-trains an encoder on images without labels (FCMAE) and fine-tunes a classifier from it. Run own-classifier.mjs first.
// node examples/own-encoder.mjs [folder]
import { convnextv2 } from './cli.mjs';

const out = process.argv[2] ?? 'runs/examples';
convnextv2(
  `train fcmae-atto --data ${out}/classes --out ${out}/encoder --set epochs=2 --set warmupEpochs=1`,
  '--set',
  'batchSize=16',
  '--set',
  'accumulation=1',
  '--set',
  'training.inputSize=96',
  '--set',
  'evaluation.inputSize=96',
);
convnextv2(
  `train classify-finetune --data ${out}/classes --out ${out}/from-encoder --weights ${out}/encoder`,
  '--set',
  'epochs=1',
  '--set',
  'warmupEpochs=0',
  '--set',
  'training.inputSize=64',
  '--set',
  'evaluation.inputSize=64',
);
convnextv2(`analyze logs ${out}/classifier ${out}/from-encoder --out ${out}/compared.html`);
