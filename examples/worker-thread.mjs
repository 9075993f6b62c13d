// Predicts in a worker thread, so that the program's own thread stays free. Run own-detector.mjs first.
// node examples/worker-thread.mjs [folder]
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { loadModel } from 'convnextv2';

if (isMainThread) {
  const out = process.argv[2] ?? 'runs/examples';
  const run = `${out}/detector`;
  const photo = `${out}/shapes/val/${readdirSync(`${out}/shapes/val`)[0]}`;
  const worker = new Worker(fileURLToPath(import.meta.url), { workerData: run });
  const reply = new Promise((resolve, reject) =>
    worker.once('message', resolve).once('error', reject),
  );
  worker.postMessage(photo); // results are plain data and come back as they are
  const there = await reply;
  await worker.terminate();

  const model = await loadModel(run);
  const here = await model.predict(photo);
  await model.release();
  console.log(`${there.objects.length} objects; the first:`, there.objects[0]);
  if (JSON.stringify(here) !== JSON.stringify(there))
    throw new Error('expected the same from both');
} else {
  const model = await loadModel(workerData);
  parentPort.on('message', async (photo) => parentPort.postMessage(await model.predict(photo)));
}
