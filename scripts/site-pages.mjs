// TypeDoc plugin for the site: pages are named by their headings, and links to the API page of the repository lead to the API.
import { Converter } from 'typedoc';

/** Text of the first heading of a page. */
const headingOf = (content) =>
  content
    .map(({ text }) => text)
    .join('')
    .match(/^# (.+)$/m)?.[1];

/** Lets links to docs/api.md lead to the pages of the API. */
function linkToApi(content, toRoot) {
  for (const part of content ?? []) {
    if (part.kind !== 'relative-link' || !/(^|\/)api\.md$/.test(part.text)) continue;
    Object.assign(part, { kind: 'text', text: `${toRoot}modules.html` });
    delete part.target;
  }
}

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) => {
    const heading = headingOf(document.content);
    if (heading) document.name = heading;
    linkToApi(document.content, '../');
  });
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => linkToApi(project.readme, ''));
}
