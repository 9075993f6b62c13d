import { readFileSync } from 'node:fs';

/** Escapes text for HTML. */
export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** A section of a page with a linked heading. */
export interface Section {
  readonly id: string;
  readonly title: string;
  /** HTML. */
  readonly body: string;
}

/** A whole page. */
interface Page {
  readonly title: string;
  /** HTML below the title. */
  readonly lead: string;
  /** Sections; those without a body are left out. */
  readonly sections: readonly Section[];
}

/** Creates a self-contained page without scripts, light or dark according to the reader's system. */
export function renderPage({ title, lead, sections }: Page): string {
  const shown = sections.filter(({ body }) => body !== '');
  const links = shown.map(({ id, title: name }) => `<a href="#${id}">${escapeHtml(name)}</a>`);
  const bodies = shown.map(
    ({ id, title: name, body }) =>
      `<section id="${id}">\n<h2>${escapeHtml(name)}</h2>\n${body}\n</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${readFileSync(new URL('./style.css', import.meta.url), 'utf8')}</style>
</head>
<body>
<header>
<h1>${escapeHtml(title)}</h1>
${lead}
<nav>${links.join('')}</nav>
</header>
<main>
${bodies.join('\n')}
</main>
</body>
</html>
`;
}
