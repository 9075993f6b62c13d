// Trains a detector on images that are made in memory: any source of pixels and boxes will do.
// node examples/custom-data-set.mjs [folder]
import { loadModel, Random, train } from 'convnextv2';

const out = process.argv[2] ?? 'runs/examples';
const [width, height] = [96, 72];

/** A noisy picture with a bright square (class "bright") or a dark one ("dark"). */
function example(index) {
  const random = new Random(7, index);
  const data = Uint8Array.from({ length: width * height * 3 }, () => 90 + random.integer(60));
  const label = index % 2 === 0 ? 'bright' : 'dark';
  const side = 20 + random.integer(16);
  const [x0, y0] = [random.integer(width - side), random.integer(height - side)];
  for (let y = y0; y < y0 + side; y++)
    data.fill(label === 'bright' ? 240 : 15, 3 * (y * width + x0), 3 * (y * width + x0 + side));
  // Boxes are x, y, width, height; a mask is polygons [x0, y0, x1, y1, …] or run lengths, and may be left out.
  const mask = [[x0, y0, x0 + side, y0, x0 + side, y0 + side, x0, y0 + side]];
  return { image: { width, height, data }, objects: [{ box: [x0, y0, side, side], label, mask }] };
}

const images = Array.from({ length: 12 }, (_, index) => example(index));
await train('detect', {
  data: { classes: ['bright', 'dark'], training: images.slice(0, 8), validation: images.slice(8) },
  folder: `${out}/own-data`,
  config: { epochs: 1, logEvery: 1 }, // shows the steps; for a real run leave it out
  listener: { record: ({ step, losses, metrics }) => console.log(step, losses ?? metrics) },
});

const model = await loadModel(`${out}/own-data`, { score: 0 });
const { objects } = await model.predict(images[0].image);
console.log(objects.slice(0, 3).map(({ name, score, box }) => ({ name, score, box })));
await model.release();
