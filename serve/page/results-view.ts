import type { ResultJson } from '../../core/results.js';
import { isShown, percent, VALUE_TITLES, type Filter, type Item } from './items.js';

/** Elements of the list of results. */
export interface ResultsElements {
  readonly rows: HTMLElement;
  readonly valueTitle: HTMLElement;
  readonly classes: HTMLElement;
  readonly classList: HTMLElement;
}

/** Called with what a person does. */
export interface ResultsListener {
  /** An object is under the pointer or has the focus; undefined: none. */
  mark(item: Item | undefined): void;
  hide(classIndex: number, isHidden: boolean): void;
}

/** Shows the table of a result. @returns row by item */
export function showRows(
  { rows, valueTitle }: ResultsElements,
  result: ResultJson,
  items: readonly Item[],
  filter: Filter,
  { mark }: ResultsListener,
): ReadonlyMap<Item, HTMLElement> {
  valueTitle.textContent = VALUE_TITLES[result.task];
  const shown = items.filter((item) => isShown(result, item, filter));
  const found = shown.map((item): readonly [Item, HTMLElement] => {
    const row = document.createElement('tr');
    const name = document.createElement('button');
    name.type = 'button';
    name.className = 'name';
    name.append(swatch(item), item.name);
    row.append(cell(name), cell(percent(item.value)));
    row.addEventListener('mouseenter', () => mark(item));
    row.addEventListener('mouseleave', () => mark(undefined));
    name.addEventListener('focus', () => mark(item));
    name.addEventListener('blur', () => mark(undefined));
    return [item, row];
  });
  const empty = document.createElement('tr');
  const text = cell(items.length === 0 ? 'Nothing found' : 'All results are hidden');
  text.colSpan = 2;
  empty.append(text);
  rows.replaceChildren(...(found.length > 0 ? found.map(([, row]) => row) : [empty]));
  return new Map(found);
}

/** Shows a box to check for each class of a result. */
export function showClasses(
  { classes, classList }: ResultsElements,
  items: readonly Item[],
  { hidden }: Filter,
  { hide }: ResultsListener,
): void {
  const byClass = new Map(items.map((item) => [item.classIndex, item]));
  classes.hidden = byClass.size === 0;
  const boxes = [...byClass].sort(([a], [b]) => a - b);
  classList.replaceChildren(
    ...boxes.map(([classIndex, item]) => {
      const label = document.createElement('label');
      const box = document.createElement('input');
      box.type = 'checkbox';
      box.checked = !hidden.has(classIndex);
      box.addEventListener('change', () => hide(classIndex, !box.checked));
      label.append(box, swatch(item), item.name);
      return label;
    }),
  );
}

function cell(content: string | HTMLElement): HTMLTableCellElement {
  const element = document.createElement('td');
  element.append(content);
  return element;
}

function swatch({ color }: Item): HTMLElement {
  const element = document.createElement('span');
  element.className = 'swatch';
  element.style.background = `rgb(${color.join()})`;
  return element;
}
