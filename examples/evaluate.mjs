// Scores a detector on a data set, then results from anywhere against a COCO file. Run own-detector.mjs first.
// node examples/evaluate.mjs [folder]
import { readFileSync } from 'node:fs';
import {
  CocoEvaluator,
  CocoGroundTruthBuilder,
  CocoResultsBuilder,
  DETECTION_STATS,
  cocoParameters,
  evaluate,
  loadModel,
  readAnnotations,
  refuseLoss,
  tableDomain,
  tableObjects,
  toCoco,
} from 'convnextv2';

const out = process.argv[2] ?? 'runs/examples';
const file = `${out}/shapes/annotations/instances_val.json`;

const model = await loadModel(`${out}/detector`, { score: 0 });
const scores = await evaluate(model, `${out}/shapes`, { split: 'val' });
console.log(scores);

// The objects of the file, and results that could come from any program: here from the same model.
const tables = await readAnnotations(file, refuseLoss, { compared: 'bbox' });
const domain = tableDomain(tables);
const truth = new CocoGroundTruthBuilder(domain);
for (const object of tableObjects(tables, {})) truth.add(object);
const results = new CocoResultsBuilder(domain, {
  iouType: 'bbox',
  strict: true,
  unknownImages: 'refuse',
});
for (const { id, file_name: name } of JSON.parse(readFileSync(file, 'utf8')).images) {
  const rows = toCoco(await model.predict(`${out}/shapes/val/${name}`), { imageId: id });
  results.fields(rows[0]); // says whether there are boxes, masks or both
  for (const row of rows) results.add(row);
}
const evaluator = new CocoEvaluator(truth.build(), cocoParameters('bbox'));
evaluator.update(results.build().detections);
const { stats } = evaluator.finish();
DETECTION_STATS.forEach((name, i) => console.log(String(name).padEnd(8), stats[i].toFixed(3)));
await model.release();
