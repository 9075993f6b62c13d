// Trains a Mask R-CNN on COCO annotations, scores boxes and masks, draws what it finds.
// node examples/own-detector.mjs [folder]
import { train } from 'convnextv2';
import { convnextv2 } from './cli.mjs';

const out = process.argv[2] ?? 'runs/examples';
const data = `${out}/shapes`;
convnextv2(`data shapes --out ${data} --train 8 --val 4 --seed 0 --labels`); // your annotations instead
convnextv2(`data check ${data}`);

// One epoch on eight images shows the steps but learns nothing: for a detector that works, generate 600 images and drop `epochs`.
await train('detect', {
  data,
  folder: `${out}/detector`,
  config: { epochs: 1, logEvery: 1 },
  listener: {
    note: (line) => console.log(line),
    record: ({ step, losses, metrics }) => console.log(step, losses ?? metrics),
  },
});
convnextv2(`eval ${out}/detector --data ${data} --per-category`);
convnextv2(`predict ${out}/detector ${data}/val --score 0.2 --out ${out}/detected`);
