// Scores a detector, then single results against annotations of one's own. Run own-detector.mjs first.
// node examples/evaluate.mjs [folder]
import { CocoEvaluator, detectLayout, evaluate, loadDetectionSplit, loadModel } from 'convnextv2';

const out = process.argv[2] ?? 'runs/examples';
const data = `${out}/shapes`;

const model = await loadModel(`${out}/detector`);
const scores = await evaluate(model, data, { perCategory: true });
console.log(scores);

// The same by hand, for results from anywhere: the held-out images, their objects, and what the model finds.
const found = await detectLayout(data);
const set = await loadDetectionSplit(found, 'val');
console.log(`${set.images.ids.length} images, ${CocoEvaluator.name} counts as pycocotools does`);
await model.release();
