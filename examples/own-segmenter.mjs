// Trains a UPerNet on images with label maps and scores it. Run own-detector.mjs first: it makes the images.
// node examples/own-segmenter.mjs [folder]
import { fileURLToPath } from 'node:url';
import { train } from 'convnextv2';
import { convnextv2 } from './cli.mjs';

const out = process.argv[2] ?? 'runs/examples';
const data = `${out}/shapes/segment.yaml`; // or a folder with images/, labels/ and classes.txt

await train('segment-finetune', {
  data,
  folder: `${out}/segmenter`,
  configFile: fileURLToPath(new URL('segment-small.yaml', import.meta.url)),
});
convnextv2(`eval ${out}/segmenter --data ${data} --per-category`);
convnextv2(`predict ${out}/segmenter ${out}/shapes/val --out ${out}/segmented`);
