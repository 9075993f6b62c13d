// TypeDoc plugin for the site: pages are named by their headings, and links to the API page of the repository lead to the API.
import { Converter } from 'typedoc';

/** Text of the first heading of a page. */
const headingOf = (content) =>
  content
    .map(({ text }) => text)
    .join('')
    .match(/^# (.+)$/m)?.[1];

/** @param {import('typedoc').Application} app */
export function load(app) {
  app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_, document) => {
    const heading = headingOf(document.content);
    if (heading) document.name = heading;
  });
}
