import { histogramSvg, type HistogramChart } from './svg-histogram.js';
import { barsCard, tableCard, tiles } from './page/blocks.js';
import { escapeHtml, renderPage, type Section } from './page/html.js';

/** A part of a set on its page. */
export interface DataPagePart {
  readonly name: string;
  readonly images: number;
  /** Counts by class index. */
  readonly counts: readonly number[];
  /** Names of images without objects; undefined where that has no meaning. */
  readonly empty: readonly string[] | undefined;
}

/** Two similar pictures on a page. */
export interface PicturePair {
  readonly captions: readonly [string, string];
  /** JPEG files. */
  readonly jpegs: readonly [Uint8Array, Uint8Array];
}

/** Content of the page of a data set. */
export interface DataPage {
  readonly title: string;
  /** Layout that was recognized, in one line. */
  readonly line: string;
  readonly parts: readonly DataPagePart[];
  readonly classes: readonly string[];
  /** Unit of the counts: `objects`. */
  readonly unit: string;
  readonly histograms: readonly (HistogramChart & { readonly note: string })[];
  readonly duplicates:
    { readonly note: string; readonly pairs: readonly PicturePair[] } | undefined;
}

/** Number of names of images that a page lists. */
const MOST_NAMES = 100;

/** Creates the page of a data set: one HTML file that needs nothing else. */
export function dataPage(page: DataPage): string {
  const { title, line, parts, histograms } = page;
  const sections: readonly Section[] = [
    { id: 'classes', title: `Classes: ${page.unit} by part`, body: classesBody(page) },
    {
      id: 'shapes',
      title: 'Sizes and shapes',
      body:
        histograms.length === 0
          ? ''
          : `<div class="grid">${histograms
              .map(
                ({ note, ...chart }) =>
                  `<div class="card">${histogramSvg(chart)}<p class="note">${escapeHtml(note)}</p></div>`,
              )
              .join('')}</div>`,
    },
    { id: 'empty', title: `Images without ${page.unit}`, body: emptyBody(page) },
    { id: 'duplicates', title: 'Near duplicates across parts', body: duplicatesBody(page) },
  ];
  const numbers = parts.map(({ name, images }) => [`images of ${name}`, String(images)] as const);
  const lead = `<p>${escapeHtml(line)}</p>${tiles(numbers)}`;
  return renderPage({ title, lead, sections });
}

function classesBody({ classes, parts, unit }: DataPage): string {
  const total = (k: number): number => parts.reduce((sum, { counts }) => sum + counts[k], 0);
  const order = [...classes.keys()].sort((a, b) => total(b) - total(a) || a - b);
  const bars = parts.map(({ name, counts }) => {
    const sum = counts.reduce((all, count) => all + count, 0);
    return barsCard({
      title: `${name}: ${sum} ${unit}`,
      bars: order.map((k) => ({ name: classes[k], value: counts[k], text: String(counts[k]) })),
    });
  });
  const table = tableCard({
    title: 'Fraction of each class',
    note: 'A class with a much smaller percentage in one part is learned or judged there by chance.',
    columns: ['class', ...parts.flatMap(({ name }) => [name, `${name} %`])],
    rows: order.map((k) => [
      classes[k],
      ...parts.flatMap(({ counts }) => {
        const sum = counts.reduce((all, count) => all + count, 0);
        return [counts[k], sum > 0 ? Math.round((1000 * counts[k]) / sum) / 10 : 0];
      }),
    ]),
  });
  return `<div class="grid">${bars.join('')}</div><p></p>${table}`;
}

function emptyBody({ parts: all, unit }: DataPage): string {
  const parts = all.flatMap(({ empty, ...part }) => (empty ? [{ ...part, empty }] : []));
  if (parts.length === 0) return '';
  const bars = barsCard({
    title: 'Percentage of the images',
    full: 100,
    bars: parts.map(({ name, images, empty }) => {
      const percent = images > 0 ? (100 * empty.length) / images : 0;
      return { name, value: percent, text: `${empty.length} of ${images}` };
    }),
  });
  const names = parts.flatMap(({ name, empty }) => empty.map((image) => [name, image] as const));
  if (names.length === 0) return bars;
  const rest = names.length > MOST_NAMES ? `the first ${MOST_NAMES} of ${names.length}` : undefined;
  const table = tableCard({
    title: `Images without ${unit}`,
    columns: ['part', 'image'],
    rows: names.slice(0, MOST_NAMES).map((row) => [...row]),
    ...(rest === undefined ? {} : { note: rest }),
  });
  return bars + table;
}

function duplicatesBody({ duplicates }: DataPage): string {
  if (!duplicates) return '';
  const { note, pairs } = duplicates;
  const figures = pairs.map(({ captions, jpegs }) => {
    const images = jpegs.map((jpeg, i) => {
      const data = Buffer.from(jpeg).toString('base64');
      return `<img src="data:image/jpeg;base64,${data}" alt="${escapeHtml(captions[i])}">`;
    });
    return `<figure><div class="pair">${images.join('')}</div><figcaption>${captions.map(escapeHtml).join(' | ')}</figcaption></figure>`;
  });
  return `<p class="note">${escapeHtml(note)}</p><div class="pictures wide">${figures.join('')}</div>`;
}
