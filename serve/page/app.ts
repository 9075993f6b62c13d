import type { ResultJson } from '../../core/results.js';
import { cocoDocument } from '../coco-document.js';
import type { ModelInfo } from '../messages.js';
import { ServerError, type Api } from './api.js';
import { filterResult, isShown, itemsOf, type Filter, type Item } from './items.js';
import { createOverlay, drawOverlay, itemAt, type Overlay } from './overlay.js';
import { showClasses, showRows, type ResultsListener } from './results-view.js';

/** The page: pictures go to the model, one after the other, and results are shown over them. */

/** Least score of the objects that the page asks for; the slider chooses among them. */
const LEAST_SCORE = 0.05;
/** Position of the slider until the models are known. */
const FIRST_SCORE = 0.3;
/** Longest side of a saved picture in pixels. */
const SAVED_PX = 4096;

interface Picture {
  readonly file: File;
  readonly button: HTMLButtonElement;
  model: string;
  result?: ResultJson;
  items: readonly Item[];
  error?: string;
  /** Of the shown picture only: the pixels of a photo take 50 MB. */
  overlay?: Overlay | undefined;
}

const byId = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const canvas = byId<HTMLCanvasElement>('canvas');
const models = byId<HTMLSelectElement>('model');
const score = byId<HTMLInputElement>('score');
const elements = {
  rows: byId('rows'),
  valueTitle: byId('value-title'),
  classes: byId('classes'),
  classList: byId('class-list'),
};

let api: Api;
const pictures: Picture[] = [];
const hidden = new Set<number>();
let infos: readonly ModelInfo[] = [];
let current: Picture | undefined;
let marked: Item | undefined;
let rows: ReadonlyMap<Item, HTMLElement> = new Map();
let isPredicting = false;

/** Whether the slider was moved; before, the model's own scores are used. */
let isScoreChosen = false;
const scoresOf = (model: string): ModelInfo['scores'] =>
  infos.find(({ name }) => name === model)?.scores;
const filter = (): Filter => {
  const own = isScoreChosen ? undefined : scoresOf(current?.model ?? models.value);
  return { score: own?.score ?? Number(score.value), byClass: own?.byClass, hidden };
};
const say = (text: string): void => {
  byId('status').textContent = text;
};

async function loadModels(): Promise<void> {
  try {
    infos = await api.models();
    byId('access').hidden = true;
    models.replaceChildren(...infos.map(({ name, task }) => new Option(`${name} (${task})`, name)));
    say('');
  } catch (error) {
    byId('access').hidden = !(error instanceof ServerError && error.status === 401);
    say((error as Error).message);
  }
}

function addFiles(files: readonly File[]): void {
  for (const file of files) {
    const button = document.createElement('button');
    const picture: Picture = { file, button, model: models.value, items: [] };
    button.type = 'button';
    const preview = document.createElement('img');
    preview.src = URL.createObjectURL(file);
    preview.alt = '';
    // Of a file that is no picture, or a TIFF, which browsers do not show.
    preview.addEventListener('error', () => preview.replaceWith(noPreview()));
    const name = document.createElement('span');
    name.textContent = file.name;
    button.append(preview, name);
    button.addEventListener('click', () => void show(picture));
    const item = document.createElement('li');
    item.append(button);
    byId('pictures').append(item);
    pictures.push(picture);
  }
  if (files.length > 0) void show(pictures[pictures.length - files.length]);
  void predictAll();
}

function noPreview(): HTMLElement {
  const box = document.createElement('i');
  box.textContent = 'no preview';
  return box;
}

/** Predicts the pictures that have no result, one after the other. */
async function predictAll(): Promise<void> {
  if (isPredicting) return;
  isPredicting = true;
  for (;;) {
    const next = pictures.find(({ result, error }) => !result && error === undefined);
    if (!next) break;
    await predict(next);
  }
  isPredicting = false;
}

async function predict(picture: Picture): Promise<void> {
  const { file, model } = picture;
  if (picture === current) say(`${file.name}: waiting for ${model}`);
  try {
    const result = await api.predict(model, file, LEAST_SCORE);
    if (picture.model !== model) return; // another one was chosen meanwhile
    picture.result = result;
    picture.items = itemsOf(result);
  } catch (error) {
    if (picture.model !== model) return;
    picture.error = (error as Error).message;
    if (error instanceof ServerError && error.status === 401) byId('access').hidden = false;
  }
  picture.button.classList.toggle('failed', picture.error !== undefined);
  picture.button.title = picture.error ?? '';
  if (picture === current) await show(picture);
}

/** Decodes the shown picture for its result. */
async function prepare(picture: Picture): Promise<void> {
  const { file, result, items, overlay } = picture;
  if (!result || overlay) return;
  const bitmap = await createImageBitmap(file).catch(() => undefined);
  if (picture === current && picture.result === result && !picture.overlay)
    picture.overlay = createOverlay(result, items, bitmap);
  else bitmap?.close();
}

function forget(picture: Picture): void {
  picture.overlay?.picture?.close();
  picture.overlay = undefined;
}

async function show(picture: Picture): Promise<void> {
  if (current && current !== picture) forget(current);
  current = picture;
  marked = undefined;
  for (const { button } of pictures)
    button.setAttribute('aria-current', String(button === picture.button));
  await prepare(picture);
  if (picture !== current) return; // another one was chosen meanwhile
  const { result, error, file } = picture;
  byId('work').hidden = !result;
  if (!result) return say(error ?? `${file.name}: waiting for ${picture.model}`);
  byId('threshold').hidden = result.task !== 'detect';
  byId('caption').textContent =
    `${file.name}, ${result.width} × ${result.height}, ${picture.model}`;
  showClasses(elements, picture.items, filter(), listener);
  update();
}

/** Shows table and picture after a change of what is shown. */
function update(): void {
  const { result, items = [], file } = current ?? {};
  if (!result || !file) return;
  const { score: least, byClass } = filter();
  if (!isScoreChosen) score.value = String(least);
  const source = !isScoreChosen && scoresOf(current?.model ?? '')?.from === 'validation';
  const classes = byClass?.some((value) => value !== least) ? ', other classes their own' : '';
  byId('score-value').textContent =
    `${least.toFixed(2)}${source ? ` (best F1 of the validation${classes})` : ''}`;
  rows = showRows(elements, result, items, filter(), listener);
  const shown = items.filter((item) => isShown(result, item, filter()));
  const names = shown.slice(0, 10).map(({ name }) => name);
  const summary = `${file.name}: ${shown.length} ${shown.length === 1 ? 'result' : 'results'}`;
  canvas.setAttribute('aria-label', names.length > 0 ? `${summary}: ${names.join(', ')}` : summary);
  say(summary);
  draw();
}

function draw(): void {
  const { result, overlay } = current ?? {};
  if (!result || !overlay) return;
  drawOverlay(canvas, overlay, (item) => isShown(result, item, filter()), marked);
  for (const [item, row] of rows) row.classList.toggle('marked', item === marked);
}

/** Scrolls the table, and not the page, to the row of an item. */
function scrollTo(item: Item | undefined): void {
  const row = item && rows.get(item);
  const box = byId('table-box');
  if (!row) return;
  const top = row.offsetTop - box.offsetTop;
  if (top < box.scrollTop + row.offsetHeight || top > box.scrollTop + box.clientHeight - 40)
    box.scrollTop = top - box.clientHeight / 2;
}

const listener: ResultsListener = {
  mark: (item) => {
    if (item === marked) return;
    marked = item;
    draw();
  },
  hide: (classIndex, isHidden) => {
    if (isHidden) hidden.add(classIndex);
    else hidden.delete(classIndex);
    update();
  },
};

function save(content: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

function saveCoco(): void {
  const model = current?.model;
  const results = pictures.flatMap(({ file, result, model: own }) =>
    result && own === model ? [{ name: file.name, result: filterResult(result, filter()) }] : [],
  );
  const classes = infos.find(({ name }) => name === model)?.classes ?? [];
  const text = JSON.stringify(cocoDocument(results, classes));
  save(new Blob([text], { type: 'application/json' }), 'coco.json');
}

function savePng(): void {
  const { result, items = [], overlay: shown, file } = current ?? {};
  if (!result || !file) return;
  const large = document.createElement('canvas');
  const overlay = createOverlay(result, items, shown?.picture, SAVED_PX);
  drawOverlay(large, overlay, (item) => isShown(result, item, filter()), undefined);
  large.toBlob((png) => png && save(png, file.name.replace(/(\.\w+)?$/, '.png')), 'image/png');
}

function listen(): void {
  const files = byId<HTMLInputElement>('files');
  files.addEventListener('change', () => {
    addFiles(Array.from(files.files ?? []));
    files.value = '';
  });
  document.addEventListener('paste', ({ clipboardData }) =>
    addFiles(Array.from(clipboardData?.files ?? [])),
  );
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    byId('drop').classList.add('over');
  });
  document.addEventListener('dragleave', () => byId('drop').classList.remove('over'));
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    byId('drop').classList.remove('over');
    addFiles(Array.from(event.dataTransfer?.files ?? []));
  });
  models.addEventListener('change', () => {
    for (const picture of pictures) {
      forget(picture);
      Object.assign(picture, { model: models.value, result: undefined, error: undefined });
    }
    hidden.clear();
    if (current) void show(current);
    void predictAll();
  });
  score.addEventListener('input', () => {
    isScoreChosen = true;
    update();
  });
  canvas.addEventListener('mousemove', ({ offsetX, offsetY }) => {
    const { result, overlay } = current ?? {};
    if (!result || !overlay) return;
    const scale = canvas.width / canvas.clientWidth;
    const point = { x: offsetX * scale, y: offsetY * scale };
    const item = itemAt(overlay, point, (each) => isShown(result, each, filter()));
    if (item !== marked) {
      listener.mark(item);
      scrollTo(item);
    }
  });
  window.addEventListener('resize', draw);
  canvas.addEventListener('mouseleave', () => listener.mark(undefined));
  byId('save-coco').addEventListener('click', saveCoco);
  byId('save-png').addEventListener('click', savePng);
  byId('access').addEventListener('submit', (event) => {
    event.preventDefault();
    api.token = byId<HTMLInputElement>('token').value;
    for (const picture of pictures) Object.assign(picture, { error: undefined });
    void loadModels().then(predictAll);
  });
}

/** Starts the page. @param connect creates the connection to the models, which may say what it waits for */
export function startPage(connect: (say: (text: string) => void) => Api): void {
  api = connect(say);
  score.value = String(FIRST_SCORE);
  listen();
  void loadModels().then(predictAll);
}
