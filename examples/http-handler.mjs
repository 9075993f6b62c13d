// Answers images that are posted with what the model says, as JSON. Run own-detector.mjs first.
// node examples/http-handler.mjs [folder]
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { InputError, loadModel } from 'convnextv2';

const out = process.argv[2] ?? 'runs/examples';
const model = await loadModel(`${out}/detector`, { score: 0.05, max: 20 });

const server = createServer(async (request, response) => {
  const gone = new AbortController();
  response.once('close', () => gone.abort()); // nobody waits any more
  const answer = (status, body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  try {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    // Requests at once wait for each other inside the model.
    answer(200, await model.predict(Buffer.concat(chunks), { signal: gone.signal }));
  } catch (error) {
    if (gone.signal.aborted) return;
    answer(error instanceof InputError ? 400 : 500, { error: error.message });
  }
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const url = `http://127.0.0.1:${server.address().port}`;

// Eight clients at once, one of which sends no image.
const photos = readdirSync(`${out}/shapes/val`)
  .filter((name) => /\.(jpg|png)$/.test(name))
  .map((name) => readFileSync(`${out}/shapes/val/${name}`));
const bodies = Array.from({ length: 8 }, (_, i) => (i === 3 ? 'hello' : photos[i % photos.length]));
const replies = await Promise.all(
  bodies.map(async (body) => {
    const reply = await fetch(url, { method: 'POST', body });
    return { status: reply.status, body: await reply.json() };
  }),
);
for (const { status, body } of replies)
  console.log(status, body.error ?? `${body.objects.length} objects`);
if (replies.some(({ status }, i) => status !== (i === 3 ? 400 : 200)))
  throw new Error('expected 200 for every image and 400 for the rest');
server.close();
await model.release();
