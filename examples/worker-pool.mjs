// Predicts many photos on several threads: a model for each, one core for each model. Run own-detector.mjs first.
// node examples/worker-pool.mjs [folder] [threads]
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { loadModel } from 'convnextv2';

if (isMainThread) {
  const [out = 'runs/examples', threads = Math.min(2, availableParallelism())] =
    process.argv.slice(2);
  const photos = readdirSync(`${out}/shapes/val`)
    .filter((name) => /\.(jpg|png)$/.test(name))
    .map((name) => `${out}/shapes/val/${name}`);
  const waiting = [...photos.entries()];
  const results = [];
  // Every worker asks for the next photo when it is done with one, so that none waits for another.
  const work = () =>
    new Promise((resolve, reject) => {
      const file = fileURLToPath(import.meta.url);
      const worker = new Worker(file, { workerData: `${out}/detector` });
      worker.on('error', reject).on('exit', resolve);
      worker.on('message', ({ index, result }) => {
        if (result) results[index] = result;
        const [next, photo] = waiting.shift() ?? [];
        worker.postMessage(photo === undefined ? null : { index: next, photo });
      });
    });
  await Promise.all(Array.from({ length: Number(threads) }, work));
  if (results.length !== photos.length) throw new Error('expected a result of every photo');
  results.forEach(({ objects }, i) => console.log(photos[i], `${objects.length} objects`));
} else {
  const model = await loadModel(workerData, { engine: { threads: 1 } });
  parentPort.on('message', async (job) => {
    if (job) {
      const result = await model.predict(job.photo);
      return parentPort.postMessage({ index: job.index, result });
    }
    await model.release();
    parentPort.close();
  });
  parentPort.postMessage({});
}
