import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { withoutControls } from '../../core/controls.js';

/** Escapes text for HTML; control characters, too. */
export function escapeHtml(text: string): string {
  return withoutControls(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Source of a content security policy: what is between the tags of an inline style or script. */
export const inlineHash = (text: string): string =>
  `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Policy of a page that loads nothing: only its own styles, scripts and embedded pictures. */
export function pagePolicy(styles: readonly string[], scripts: readonly string[] = []): string {
  const sources = (parts: readonly string[]): string =>
    parts.length === 0 ? "'none'" : parts.map(inlineHash).join(' ');
  const rules = [
    "default-src 'none'",
    'img-src data:',
    `style-src ${sources(styles)}`,
    `script-src ${sources(scripts)}`,
    "base-uri 'none'",
    "form-action 'none'",
  ];
  return `<meta http-equiv="Content-Security-Policy" content="${rules.join('; ')}">`;
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
  const style = readFileSync(new URL('./style.css', import.meta.url), 'utf8') + shades();
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
${pagePolicy([style])}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${escapeHtml(title)}</title>
<style>${style}</style>
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

/** Classes of the cells of a confusion matrix by percent, since the policy allows no style attributes. */
function shades(): string {
  return Array.from({ length: 100 }, (_, i) => `.v${i + 1}{--v:${(i + 1) / 100}}`).join('');
}
