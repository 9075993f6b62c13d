import { escapeHtml } from '../report/page/html.js';

/** The parts of an OpenAPI document that the page shows. */
export interface OpenApiDocument {
  readonly info: { readonly title: string; readonly version: string };
  readonly paths?: Readonly<Record<string, object | undefined>> | undefined;
}

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema?: Readonly<Record<string, unknown>>;
  }[];
  readonly requestBody?: { readonly content?: Readonly<Record<string, unknown>> };
  readonly responses?: Readonly<Record<string, { readonly description?: string }>>;
}

const EXAMPLES: readonly (readonly [title: string, command: string])[] = [
  ['a picture', 'curl --data-binary @photo.jpg "$URL/v1/predict?score=0.5"'],
  ['several', 'curl -F images=@a.jpg -F images=@b.png "$URL/v1/predict"'],
  ['base64', `curl -H 'content-type: application/json' -d '{"image": "…"}' "$URL/v1/predict/NAME"`],
  ['drawn', 'curl --data-binary @photo.jpg "$URL/v1/predict?format=png" -o drawn.png'],
];

/** Renders the OpenAPI document as a page without scripts. */
export function renderDocs({ info, paths = {} }: OpenApiDocument): string {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods ?? {}).map(([method, operation]) =>
      section(`${method.toUpperCase()} ${path}`, operation as Operation),
    ),
  );
  const examples = EXAMPLES.map(
    ([title, command]) => `<dt>${title}</dt><dd><code>${escapeHtml(command)}</code></dd>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/style.css">
<title>${escapeHtml(info.title)} API</title>
</head>
<body class="docs">
<header><h1>${escapeHtml(info.title)} ${escapeHtml(info.version)}</h1>
<p><a href="/">Try it</a> <a href="/openapi.json">OpenAPI document</a></p></header>
<main>
<section><h2>Examples</h2><dl>${examples.join('')}</dl></section>
${operations.join('\n')}
</main>
</body>
</html>
`;
}

function section(
  title: string,
  { summary = '', description = '', parameters = [], requestBody, responses = {} }: Operation,
): string {
  const bodies = Object.keys(requestBody?.content ?? {});
  const rows = parameters.map(({ name, in: place, required, schema = {} }) => [
    name,
    `${place}${required ? ', required' : ''}`,
    typeOf(schema),
  ]);
  const answers = Object.entries(responses).map(([status, { description: text = '' }]) => [
    status,
    text,
  ]);
  return `<section><h2><code>${escapeHtml(title)}</code></h2>
<p>${escapeHtml([summary, description].filter(Boolean).join('. '))}</p>
${table(['Parameter', 'Place', 'Values'], rows)}
${bodies.length > 0 ? `<p>Body: ${bodies.map((type) => `<code>${escapeHtml(type)}</code>`).join(', ')}</p>` : ''}
${table(['Status', 'Meaning'], answers)}</section>`;
}

function typeOf({
  type,
  enum: words,
  minimum,
  maximum,
}: Readonly<Record<string, unknown>>): string {
  if (Array.isArray(words)) return words.join(', ');
  const bounds = [
    minimum !== undefined && `from ${String(minimum)}`,
    maximum !== undefined && `to ${String(maximum)}`,
  ].filter(Boolean);
  return [typeof type === 'string' ? type : 'any', ...bounds].join(' ');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const cells = (row: readonly string[], tag: string): string =>
    `<tr>${row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join('')}</tr>`;
  return `<table><thead>${cells(head, 'th')}</thead><tbody>${rows.map((row) => cells(row, 'td')).join('')}</tbody></table>`;
}
