import type { Card, CardObject, PageData } from './page-data.js';

/**
 * Script of the page. It runs in a browser and must be self-contained: its source is embedded in the HTML, so it may not
 * use anything outside this function. Texts of the data set are inserted only by `textContent`.
 */
export function client(): void {
  const SVG = 'http://www.w3.org/2000/svg';
  const byId = (id: string): HTMLElement => document.getElementById(id) as HTMLElement;
  const data = JSON.parse(byId('data').textContent ?? '') as PageData;
  const grid = byId('grid');
  const dialog = byId('viewer') as HTMLDialogElement;
  const controls = {
    split: byId('split') as HTMLSelectElement,
    class: byId('class') as HTMLSelectElement,
    size: byId('size') as HTMLSelectElement,
    sort: byId('sort') as HTMLSelectElement,
    concerns: byId('concerns-only') as HTMLInputElement,
    opacity: byId('opacity') as HTMLInputElement,
  };

  const element = (
    tag: string,
    attributes: Readonly<Record<string, string>> = {},
    ...children: (Node | string)[]
  ): HTMLElement => {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    node.append(...children);
    return node;
  };
  const text = (tag: string, kind: string, content: string): HTMLElement =>
    element(tag, { class: kind }, content);
  const svg = (tag: string, attributes: Readonly<Record<string, string | number>>): SVGElement => {
    const node = document.createElementNS(SVG, tag) as SVGElement;
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
    return node;
  };
  const color = (k: number): string => data.classes[k]?.color ?? '#888888';
  const className = (k: number): string => data.classes[k]?.name ?? '?';
  const labelOf = ({ classIndex, isCrowd }: CardObject): string =>
    className(classIndex) + (isCrowd ? ' (crowd)' : '');

  /** Image, masks, boxes and names of a card, in pixels of the image. */
  const picture = (card: Card, large: boolean): SVGElement => {
    const { width, height } = card;
    const root = svg('svg', { viewBox: `0 0 ${width} ${height}`, class: 'picture' });
    root.append(svg('rect', { width, height, class: 'blank' }));
    if (card.thumbnail !== undefined) root.append(stretched(card.thumbnail, card, 'photo'));
    if (card.overlay !== undefined) root.append(stretched(card.overlay, card, 'labels'));
    const unit = Math.max(width, height) / (large ? 900 : 320);
    card.objects.forEach((object, index) =>
      root.append(drawing(card, object, { index, unit, large })),
    );
    return root;
  };

  /** A picture over the whole image. */
  const stretched = (href: string, { width, height }: Card, kind: string): SVGElement =>
    svg('image', { href, width, height, class: kind, preserveAspectRatio: 'none' });

  /** Names are short on small pictures. */
  const MOST_CHARACTERS = 24;
  const shortName = (k: number): string => {
    const characters = [...className(k)];
    return characters.length <= MOST_CHARACTERS
      ? className(k)
      : `${characters.slice(0, MOST_CHARACTERS - 1).join('')}…`;
  };

  const drawing = (
    card: Card,
    object: CardObject,
    { index, unit, large }: { index: number; unit: number; large: boolean },
  ): SVGElement => {
    const group = svg('g', {
      class: `object${object.isCrowd ? ' crowd' : ''}${object.concerns.length > 0 ? ' concern' : ''}`,
    });
    group.dataset['index'] = String(index);
    group.style.setProperty('--color', color(object.classIndex));
    if (object.mask !== undefined) group.append(stretched(object.mask, card, 'mask'));
    if (object.path !== undefined) group.append(svg('path', { d: object.path, class: 'mask' }));
    const [x, y, w, h] = object.box;
    const [width, height] = [Math.max(0, w), Math.max(0, h)];
    group.append(svg('rect', { x, y, width, height, class: 'box', 'stroke-width': 1.6 * unit }));
    // To the left from the right corner where there is little room to the right.
    const isRight = x > 0.6 * card.width;
    const from = Math.min(Math.max(0, isRight ? x + width : x), card.width);
    const name = svg('text', {
      x: from + (isRight ? -2 : 2) * unit,
      y: Math.max(y - 3 * unit, 11 * unit),
      class: 'name',
      'text-anchor': isRight ? 'end' : 'start',
      'font-size': 11 * unit,
      'stroke-width': 3 * unit,
    });
    name.textContent = large ? className(object.classIndex) : shortName(object.classIndex);
    group.append(name);
    const title = svg('title', {});
    title.textContent = `${labelOf(object)}, id ${object.id}, ${object.area} px²${object.concerns.map((text) => `\n⚠ ${text}`).join('')}`;
    group.append(title);
    return group;
  };

  const chip = (k: number, label: string): HTMLElement => {
    const node = element('span', { class: 'chip' }, element('i'), label);
    (node.firstChild as HTMLElement).style.background = color(k);
    return node;
  };

  /** Counts of objects by class, or fractions of the classes. */
  const chips = (card: Card, most: number): HTMLElement => {
    const list = element('div', { class: 'chips' });
    const entries: (readonly [number, string])[] = [];
    if (card.fractions) {
      for (const [k, fraction] of card.fractions)
        entries.push([
          k,
          data.kind === 'classification'
            ? className(k)
            : `${className(k)} ${(100 * fraction).toFixed(fraction < 0.1 ? 1 : 0)} %`,
        ]);
    } else {
      const counts = new Map<number, number>();
      for (const { classIndex } of card.objects)
        counts.set(classIndex, (counts.get(classIndex) ?? 0) + 1);
      for (const [k, count] of [...counts].sort((a, b) => b[1] - a[1]))
        entries.push([k, count > 1 ? `${className(k)} × ${count}` : className(k)]);
    }
    entries.slice(0, most).forEach(([k, label]) => list.append(chip(k, label)));
    if (entries.length > most) list.append(text('span', 'chip more', `+ ${entries.length - most}`));
    if (entries.length === 0) list.append(text('span', 'chip more', 'no annotation'));
    return list;
  };

  const concernsOf = data.cards.map((_, c) => data.concerns.filter(({ card }) => card === c));
  const figures = data.cards.map((card, c) => {
    const hint = `enlarge ${card.file}`;
    const button = element('button', { class: 'open', type: 'button', 'aria-label': hint });
    button.append(picture(card, false));
    button.addEventListener('click', () => open(c));
    const badges = element('div', { class: 'badges' });
    if (card.fullest) badges.append(text('span', 'badge', 'most objects'));
    if (concernsOf[c].length > 0)
      badges.append(text('span', 'badge warn', `⚠ ${concernsOf[c].length}`));
    if (card.failure !== undefined) button.append(text('span', 'failure', card.failure));
    else if (card.thumbnail === undefined) badges.append(text('span', 'badge', 'no image'));
    button.append(badges);
    const name = element('span', { class: 'file', title: card.file }, card.file);
    const count = data.kind === 'detection' ? ` · ${card.objects.length}` : '';
    const part = data.splits.length > 1 ? ` · ${data.splits[card.split]?.name ?? ''}` : '';
    const facts = text('span', 'facts', `${card.width}×${card.height}${count}${part}`);
    const caption = element('figcaption', {}, name, facts, chips(card, 6));
    const figure = element('figure', {}, button, caption);
    // Many names would hide the picture; they are shown below the pointer.
    if (card.objects.length <= 10) figure.classList.add('named');
    grid.append(figure);
    return figure;
  });

  const fits = (object: CardObject): boolean =>
    (controls.class.value === '' || object.classIndex === Number(controls.class.value)) &&
    (controls.size.value === '' ||
      (controls.size.value === 'crowd' ? object.isCrowd : object.size === controls.size.value));

  let order: number[] = [];
  const apply = (): void => {
    const filtering = controls.class.value !== '' || controls.size.value !== '';
    order = [];
    data.cards.forEach((card, c) => {
      figures[c].querySelectorAll<SVGElement>('g.object').forEach((group) => {
        const object = card.objects[Number(group.dataset['index'])];
        group.classList.toggle('off', filtering && !fits(object));
      });
      const inClass = card.fractions
        ? controls.class.value === '' ||
          card.fractions.some(([k]) => k === Number(controls.class.value))
        : !filtering || card.objects.some(fits);
      const shown =
        inClass &&
        (controls.split.value === '' || card.split === Number(controls.split.value)) &&
        (!controls.concerns.checked || concernsOf[c].length > 0);
      figures[c].hidden = !shown;
      if (shown) order.push(c);
    });
    const weight = (c: number): number => {
      const card = data.cards[c];
      const count = card.fractions ? card.fractions.length : card.objects.filter(fits).length;
      const { value } = controls.sort;
      if (value === 'concerns') return -concernsOf[c].length;
      return value === 'most' ? -count : value === 'fewest' ? count : 0;
    };
    order.sort((a, b) => weight(a) - weight(b) || a - b);
    order.forEach((c) => grid.append(figures[c]));
    byId('shown').textContent = `${order.length} of ${data.cards.length} images here`;
    byId('nothing').hidden = order.length > 0;
  };

  let current = -1;
  const open = (c: number, objectId?: number): void => {
    current = c;
    const card = data.cards[c];
    const view = picture(card, true);
    const stage = element('div', { class: 'stage' });
    stage.append(view);
    const rows = element('tbody');
    card.objects.forEach((object, index) => {
      const numbers = [String(object.id), String(object.area), object.box.join(', ')];
      const row = element(
        'tr',
        {},
        element('td', {}, chip(object.classIndex, labelOf(object))),
        ...numbers.map((number) => text('td', 'number', number)),
        text('td', 'why', object.concerns.join('; ')),
      );
      const group = view.querySelector<SVGElement>(`g[data-index="${index}"]`);
      const mark = (on: boolean): void => {
        view.classList.toggle('focus', on);
        group?.classList.toggle('on', on);
        row.classList.toggle('on', on);
      };
      for (const target of [row, group]) {
        target?.addEventListener('mouseenter', () => mark(true));
        target?.addEventListener('mouseleave', () => mark(false));
      }
      if (object.id === objectId) {
        mark(true);
        requestAnimationFrame(() => row.scrollIntoView({ block: 'center' }));
      }
      rows.append(row);
    });
    const side = element('div', { class: 'side' });
    side.append(element('h2', {}, card.file));
    const split = data.splits[card.split]?.name ?? '';
    const facts = [split, `${card.width}×${card.height}`];
    if (card.id !== undefined) facts.splice(1, 0, `id ${card.id}`);
    if (card.ignored !== undefined) facts.push(`${(100 * card.ignored).toFixed(1)} % ignored`);
    side.append(text('p', 'facts', facts.join(' · ')));
    if (card.failure !== undefined) side.append(text('p', 'concern-line', card.failure));
    side.append(chips(card, 200));
    for (const { message, object } of concernsOf[c])
      if (object === undefined) side.append(text('p', 'concern-line', `⚠ ${message}`));
    if (card.objects.length > 0) {
      const titles = ['class', 'id', 'area px²', 'x, y, width, height', ''];
      const head = element('tr', {}, ...titles.map((title) => element('th', {}, title)));
      side.append(element('table', {}, element('thead', {}, head), rows));
    }
    byId('view').replaceChildren(stage, side);
    if (!dialog.open) dialog.showModal();
  };
  const step = (by: number): void => {
    const at = order.indexOf(current);
    if (order.length > 0) open(order[(at + by + order.length) % order.length]);
  };

  const list = byId('concern-list');
  data.concerns.forEach(({ severity, message, card, object }) => {
    const item = element('li', { class: severity }, element('b', {}, severity));
    if (card === undefined) item.append(message);
    else {
      const link = element('button', { type: 'button', class: 'link' }, message);
      link.addEventListener('click', () => open(card, object));
      item.append(link);
    }
    list.append(item);
  });

  for (const control of Object.values(controls)) control.addEventListener('input', apply);
  controls.opacity.addEventListener('input', () =>
    document.documentElement.style.setProperty('--opacity', controls.opacity.value),
  );
  for (const name of ['boxes', 'masks', 'names'])
    byId(name).addEventListener('input', (event) =>
      document.body.classList.toggle(`no-${name}`, !(event.target as HTMLInputElement).checked),
    );
  document.querySelector('form')?.addEventListener('submit', (event) => event.preventDefault());
  byId('theme').addEventListener('click', () => {
    const root = document.documentElement;
    const isDark = getComputedStyle(root).getPropertyValue('--is-dark').trim() === '1';
    root.dataset['theme'] = isDark ? 'light' : 'dark';
  });
  byId('close').addEventListener('click', () => dialog.close());
  byId('previous').addEventListener('click', () => step(-1));
  byId('next').addEventListener('click', () => step(1));
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowLeft') step(-1);
    if (event.key === 'ArrowRight') step(1);
  });
  apply();
  const wanted = /^#card-(\d+)$/.exec(location.hash);
  if (wanted && Number(wanted[1]) < data.cards.length) open(Number(wanted[1]));
}
