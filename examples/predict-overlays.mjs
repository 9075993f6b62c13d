// Predicts a folder of photos, draws what was found, and writes COCO and YOLO labels. Run own-detector.mjs first.
// node examples/predict-overlays.mjs [folder]
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { draw, encodeRgbPng, loadModel, toCoco, toYolo } from 'convnextv2';

const out = process.argv[2] ?? 'runs/examples';
const photos = `${out}/shapes/val`;
const into = `${out}/overlays`;
mkdirSync(into, { recursive: true });

const model = await loadModel(`${out}/detector`, { score: 0.05, max: 20 });
const rows = [];
const files = readdirSync(photos).filter((name) => /\.(jpg|png)$/.test(name));
for (const [index, name] of files.entries()) {
  const photo = join(photos, name);
  const result = await model.predict(photo);
  const stem = basename(name).replace(/\.\w+$/, '');
  // An RGB image that any encoder takes; `sharp(data, { raw: … }).jpeg()` is smaller.
  writeFileSync(join(into, `${stem}.png`), encodeRgbPng(await draw(result, photo)));
  writeFileSync(join(into, `${stem}.txt`), toYolo(result));
  rows.push(...toCoco(result, { imageId: index + 1 }));
  console.log(name, result.objects.map((o) => `${o.name} ${o.score.toFixed(2)}`).join(', '));
}
writeFileSync(join(into, 'results.json'), JSON.stringify(rows));
console.log(`${files.length} photos, ${rows.length} objects: ${into}`);
await model.release();
