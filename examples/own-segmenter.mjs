// Trains a UPerNet on images with label maps and scores it. Run own-detector.mjs first: it makes the images.
// node examples/own-segmenter.mjs [folder]
import { convnextv2 } from './cli.mjs';

const out = process.argv[2] ?? 'runs/examples';
const data = `${out}/shapes/segment.yaml`; // or a folder with images/, labels/ and classes.txt

convnextv2(
  `train segment-finetune --data ${data} --out ${out}/segmenter --config examples/segment-small.yaml`,
);
convnextv2(`eval ${out}/segmenter --data ${data} --per-category`);
convnextv2(`predict ${out}/segmenter ${out}/shapes/val --out ${out}/segmented`);
