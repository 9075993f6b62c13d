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
<style>${STYLE}</style>
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

const STYLE = `
:root{color-scheme:light dark;--page:#fbfbfa;--card:#fff;--text:#1c1f23;--soft:#646b73;--line:#e3e5e8;--accent:#2f6fce;
--chart-1:#3b7ddd;--chart-2:#d9730d;--chart-3:#1a9c6b;--chart-4:#c2489a;--chart-5:#8a63d2;--chart-6:#0e96a8;--chart-7:#a8762f;--chart-8:#7d8590}
@media(prefers-color-scheme:dark){:root{--page:#14171a;--card:#1c2024;--text:#e6e8ea;--soft:#99a1a9;--line:#30363d;--accent:#6ea3f0;
--chart-1:#6ea3f0;--chart-2:#f0a04b;--chart-3:#4cc495;--chart-4:#e57fc4;--chart-5:#b294f0;--chart-6:#4cc0cf;--chart-7:#d0a566;--chart-8:#99a1a9}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
header,main{max-width:1120px;margin:0 auto;padding:0 20px}
header{padding-top:28px}
h1{margin:0 0 4px;font-size:26px;line-height:1.25;overflow-wrap:anywhere}
h2{margin:40px 0 12px;font-size:19px}
h3{margin:0 0 8px;font-size:14px;font-weight:600}
p{margin:4px 0 12px}
.soft,figcaption,.note{color:var(--soft)}
.note{font-size:13px;margin:-4px 0 8px}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin-top:16px;padding:10px 0;border-block:1px solid var(--line)}
a{color:var(--accent);text-decoration:none}
a:hover{text-decoration:underline}
.tiles{display:grid;grid-template-columns:repeat(auto-fill,minmax(130px,1fr));gap:10px;margin:18px 0 6px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:10px 14px}
.tile b{display:block;font-size:22px;font-weight:600;line-height:1.3;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:13px}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,420px),1fr));gap:14px;align-items:start}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px;min-width:0;margin-bottom:14px}
.grid>.card{margin:0}
.chart{width:100%;height:auto;display:block}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:14px;font-variant-numeric:tabular-nums;width:100%}
th,td{padding:4px 10px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--soft);white-space:nowrap}
td.n,th.n{text-align:right;white-space:nowrap}
td.v{overflow-wrap:anywhere;font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:13px}
.facts th{white-space:normal;overflow-wrap:anywhere;width:38%}
.bars{display:grid;grid-template-columns:minmax(70px,max-content) 1fr max-content;gap:5px 10px;align-items:center;font-size:13px}
.bars i{display:block;height:12px;border-radius:2px;background:var(--chart-1);min-width:1px}
.bars span:last-of-type,.bars .t{font-variant-numeric:tabular-nums;color:var(--soft)}
.bars .b{overflow-wrap:anywhere}
.confusion td{text-align:right;border:1px solid var(--line);background:color-mix(in srgb,var(--accent) calc(var(--v,0)*62%),transparent);padding:4px 8px}
.confusion td.d{outline:2px solid var(--soft);outline-offset:-2px}
.confusion th{text-align:right;border:0}
.pictures{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(45%,165px),1fr));gap:14px;align-items:start}
.pictures.wide{grid-template-columns:repeat(auto-fill,minmax(min(100%,420px),1fr))}
figure{margin:0;background:var(--card);border:1px solid var(--line);border-radius:8px;overflow:hidden}
figure img{display:block;width:100%;height:auto;image-rendering:auto}
figcaption{padding:8px 12px;font-size:13px;overflow-wrap:anywhere}
details{margin-bottom:12px}
summary{cursor:pointer;color:var(--accent)}
footer{padding:32px 0;color:var(--soft);font-size:13px}
@media(max-width:560px){header,main{padding-inline:14px}h1{font-size:22px}th,td{padding:4px 6px}.tiles{grid-template-columns:repeat(2,1fr)}}
@media print{nav{display:none}section{break-inside:avoid}}
`;
