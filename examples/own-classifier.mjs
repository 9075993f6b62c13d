// Trains a classifier on class folders (train/CLASS/*.jpg, val/CLASS/*.jpg), scores it, predicts.
// node examples/own-classifier.mjs [folder]
import { train } from 'convnextv2';
import { SHAPE_CLASSES, writeShapeClasses } from './shape-classes.mjs';
import { convnextv2 } from './cli.mjs';

const out = process.argv[2] ?? 'runs/examples';
const data = `${out}/classes`;
writeShapeClasses(data, { trainPerClass: 16, valPerClass: 4, sizePx: 96, seed: 0 }); // your folders instead

// A few steps on small images, to show how it goes; leave out the settings for a real run.
const inputSize = 64;
const { metrics } = await train('classify', {
  data,
  folder: `${out}/classifier`,
  config: { epochs: 3, warmupEpochs: 1, training: { inputSize }, evaluation: { inputSize } },
  listener: { note: (line) => console.log(line) },
});
console.log(metrics);
convnextv2(`eval ${out}/classifier --data ${data}`);
convnextv2(
  `predict ${out}/classifier ${data}/val/${SHAPE_CLASSES[0]} --top 2 --out ${out}/classified`,
);
