import { readFileSync } from 'node:fs';
import { escapeHtml, pagePolicy } from '../../report/page/html.js';
import { client } from './client.js';
import type { PageData } from './page-data.js';

/** Creates the page as one self-contained HTML document, whose content security policy forbids loading anything. */
export function renderPage(data: PageData): string {
  const shown = data.cards.length;
  const total = data.splits.reduce((sum, { images }) => sum + images, 0);
  const isDetection = data.kind === 'detection';
  const extent =
    shown < total
      ? `${shown} of ${total} images are shown: those with something to look at, and an even choice of the others.`
      : `All ${total} images are shown.`;
  const style = readFileSync(new URL('./page.css', import.meta.url), 'utf8');
  const script = `(${client.toString()})()`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
${pagePolicy([style], [script])}
<title>${escapeHtml(data.title)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${escapeHtml(data.title)}</h1>
<p class="line">${escapeHtml(data.line)}. ${escapeHtml(extent)}</p>
<div class="splits">${data.splits.map(splitPanel).join('')}</div>
</header>
${concernPanel(data)}
<div class="bar"><form>
${select('split', 'part', [['', 'all'], ...data.splits.map(({ name }, s) => [String(s), name] as const)])}
${select('class', 'class', [['', 'all'], ...classOptions(data)])}
<span${isDetection ? '' : ' hidden'}>${select('size', 'size', [
    ['', 'all'],
    ['small', 'small (below 32²)'],
    ['medium', 'medium'],
    ['large', 'large (from 96²)'],
    ['crowd', 'crowds'],
  ])}</span>
${select('sort', 'order', [
  ['', 'as in the set'],
  ['most', isDetection ? 'most objects' : 'most classes'],
  ['fewest', isDetection ? 'fewest objects' : 'fewest classes'],
  ['concerns', 'most to look at'],
])}
<label${isDetection ? '' : ' hidden'}><input type="checkbox" id="boxes" checked>boxes</label>
<label${data.kind === 'classification' ? ' hidden' : ''}><input type="checkbox" id="masks" checked>masks</label>
<label${data.kind === 'classification' ? ' hidden' : ''}>opacity<input type="range" id="opacity" min="0.1" max="1" step="0.05" value="0.45"></label>
<label${isDetection ? '' : ' hidden'}><input type="checkbox" id="names" checked>names</label>
<label><input type="checkbox" id="concerns-only">only to look at</label>
<button type="button" id="theme">light / dark</button>
<span id="shown"></span>
</form></div>
<main><div id="grid"></div><p id="nothing" hidden>No image fits these filters.</p></main>
<dialog id="viewer"><div class="tools"><button type="button" id="previous">← previous</button><button type="button" id="next">next →</button><button type="button" id="close">close</button></div><div id="view"></div></dialog>
<script type="application/json" id="data">${embed(data)}</script>
<script>${script}</script>
</body>
</html>
`;
}

function splitPanel({ name, facts }: PageData['splits'][number]): string {
  const entries = facts.map(
    ([label, value]) => `<div><dt>${escapeHtml(label)}</dt><dd>${escapeHtml(value)}</dd></div>`,
  );
  return `<section class="split"><h2>${escapeHtml(name)}</h2><dl>${entries.join('')}</dl></section>`;
}

function concernPanel({ concerns, numConcerns }: PageData): string {
  const listed = concerns.length < numConcerns ? ` (the first ${concerns.length} are listed)` : '';
  const summary =
    numConcerns === 0 ? 'Nothing suspicious was found' : `${numConcerns} to look at${listed}`;
  const open = numConcerns > 0 && numConcerns <= 12 ? ' open' : '';
  return `<section class="concerns"><details${open}><summary>${summary}</summary><ul id="concern-list"></ul></details></section>`;
}

/** Classes by descending number of objects on the page, without empty ones. */
function classOptions({ classes, cards }: PageData): readonly (readonly [string, string])[] {
  const counts = new Float64Array(classes.length);
  for (const { objects, fractions } of cards) {
    for (const { classIndex } of objects) counts[classIndex]++;
    for (const [k] of fractions ?? []) counts[k]++;
  }
  return classes
    .map(({ name }, k) => ({ k, name, count: counts[k] }))
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count)
    .map(({ k, name, count }) => [String(k), `${name} (${count})`] as const);
}

function select(
  id: string,
  label: string,
  options: readonly (readonly [value: string, text: string])[],
): string {
  const items = options.map(
    ([value, text]) => `<option value="${escapeHtml(value)}">${escapeHtml(text)}</option>`,
  );
  return `<label>${label}<select id="${id}">${items.join('')}</select></label>`;
}

/** Encodes JSON so that it cannot end its script element, whatever the names in the data set. */
function embed(data: PageData): string {
  return JSON.stringify(data).replaceAll('<', '\\u003c');
}
