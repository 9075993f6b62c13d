// Uses the library from a program, in this thread and in a worker thread. Run own-classifier.mjs first.
// node examples/library.mjs [folder]
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import {
  createClassifierPredictor,
  decodeImage,
  evaluationResize,
  IMAGENET_PIXELS,
  loadClassifier,
  normalizationTable,
  normalizeInto,
  openEngine,
  resizeForEvaluation,
  topClasses,
} from 'convnextv2';

const SIDE_PX = 64;

/** The best class of an image file and its probability. */
async function classify(weights, file) {
  const opened = await loadClassifier(weights);
  const predictor = createClassifierPredictor(await openEngine(), opened, {
    inputSize: SIDE_PX,
    frozen: false,
  });
  const image = resizeForEvaluation(await decodeImage(file), evaluationResize(SIDE_PX));
  const input = new Float32Array(SIDE_PX * SIDE_PX * 3);
  normalizeInto(image, normalizationTable(IMAGENET_PIXELS), input, { offset: 0 });
  const [best] = topClasses(await predictor.logits(input, 1), 1);
  await predictor.release();
  return best;
}

if (isMainThread) {
  const out = process.argv[2] ?? 'runs/examples';
  const folder = `${out}/classifier/checkpoints`;
  const name = readdirSync(folder).findLast((file) => file.endsWith('.safetensors'));
  const job = [`${folder}/${name}`, `${out}/classes/val/circle/0000.png`];
  const here = await classify(...job);
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: job });
  const there = await new Promise((resolve, reject) =>
    worker.once('message', resolve).once('error', reject),
  );
  console.log('here        ', here);
  console.log('in a worker ', there);
  if (here.probability !== there.probability) throw new Error('expected the same from both');
} else {
  parentPort.postMessage(await classify(...workerData));
}
