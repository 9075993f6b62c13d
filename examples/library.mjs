// Uses a model from a program: classes of a file, of bytes and of pixels, scores, a picture. Run own-classifier.mjs first.
// node examples/library.mjs [folder]
import { readFileSync, writeFileSync } from 'node:fs';
import { decodeImage, draw, encodeRgbPng, evaluate, loadModel } from 'convnextv2';

const out = process.argv[2] ?? 'runs/examples';
const photo = `${out}/classes/val/circle/0000.png`;

const model = await loadModel(`${out}/classifier`); // also a weight file or an official name: 'tiny.fcmae_ft_in1k'
const result = await model.predict(photo);
console.log(result.classes);

// The same from bytes and from pixels, at once: calls wait for each other.
const images = [readFileSync(photo), await decodeImage(photo)];
for (const { classes } of await Promise.all(images.map((image) => model.predict(image))))
  if (classes[0].probability !== result.classes[0].probability)
    throw new Error('expected the same from a file, its bytes and its pixels');

writeFileSync(`${out}/classified.png`, encodeRgbPng(await draw(result, photo)));
const { count, top1 } = await evaluate(model, `${out}/classes`);
console.log(`${count} images, ${(100 * top1).toFixed(1)} % right`);
await model.release();
