const DARK = `--ground: #11151b; --panel: #1a2029; --ink: #e6eaf0; --soft: #98a3b3; --line: #2c3541;
  --accent: #6ea8fe; --blank: #252d38; --warn: #ffb669; --warn-ground: #3a2a16; --bad: #ff9b90; --bad-ground: #40201d; --look: #a9bcff; --look-ground: #232c4a;`;

/** Style sheet of the page, light or dark according to the system or the button. */
export const STYLE = `
:root { color-scheme: light; --is-dark: 0; --opacity: 0.45;
  --ground: #f5f6f8; --panel: #ffffff; --ink: #1c2430; --soft: #5d6876; --line: #dfe3e8;
  --accent: #1f6feb; --blank: #e6e9ee; --warn: #b54708; --warn-ground: #fff1e0; --bad: #b42318; --bad-ground: #fee4e2; --look: #3f5bb0; --look-ground: #e7ecfb; }
@media (prefers-color-scheme: dark) { :root:not([data-theme="light"]) { color-scheme: dark; --is-dark: 1;
  ${DARK} } }
:root[data-theme="dark"] { color-scheme: dark; --is-dark: 1;
  ${DARK} }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 14px/1.45 system-ui, "Segoe UI", Roboto, "Helvetica Neue", "DejaVu Sans", sans-serif; }
header, main, .concerns { max-width: 1720px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 18px; }
h1 { margin: 0; font-size: 20px; font-weight: 650; overflow-wrap: anywhere; }
.line { margin: 2px 0 12px; color: var(--soft); overflow-wrap: anywhere; }
.splits { display: flex; flex-wrap: wrap; gap: 10px; }
.split { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; padding: 10px 14px; }
.split h2 { margin: 0 0 6px; font-size: 13px; font-weight: 650; }
.split dl { display: flex; flex-wrap: wrap; gap: 4px 22px; margin: 0; }
.split dt { color: var(--soft); font-size: 11.5px; }
.split dd { margin: 0; font-size: 15px; font-variant-numeric: tabular-nums; }
.bar { position: sticky; top: 0; z-index: 2; background: var(--ground); border-bottom: 1px solid var(--line); margin-top: 14px; }
.bar form { max-width: 1720px; margin: 0 auto; padding: 10px 20px; display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; }
.bar label { display: inline-flex; gap: 6px; align-items: center; color: var(--soft); }
select, .bar button, dialog button { font: inherit; color: var(--ink); background: var(--panel); border: 1px solid var(--line); border-radius: 7px; padding: 4px 8px; max-width: 260px; }
.bar button, dialog button { cursor: pointer; }
input { accent-color: var(--accent); }
#shown { margin-left: auto; color: var(--soft); font-variant-numeric: tabular-nums; }
.concerns { margin-top: 14px; }
.concerns details { background: var(--panel); border: 1px solid var(--line); border-radius: 10px; }
.concerns summary { padding: 9px 14px; cursor: pointer; font-weight: 600; }
.concerns ul { list-style: none; margin: 0; padding: 0 14px 10px; max-height: 300px; overflow: auto; }
.concerns li { display: flex; gap: 10px; padding: 3px 0; align-items: baseline; }
.concerns b { flex: none; width: 66px; text-align: center; font-size: 11.5px; font-weight: 600; border-radius: 6px; padding: 1px 0; }
li.error b { color: var(--bad); background: var(--bad-ground); }
li.warning b { color: var(--warn); background: var(--warn-ground); }
li.look b { color: var(--look); background: var(--look-ground); }
.link { font: inherit; text-align: left; color: var(--accent); background: none; border: 0; padding: 0; cursor: pointer; overflow-wrap: anywhere; }
.link:hover { text-decoration: underline; }
main { padding-top: 16px; padding-bottom: 40px; }
#grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 290px), 1fr)); gap: 16px; align-items: start; }
#nothing { text-align: center; color: var(--soft); padding: 60px 0; }
figure { margin: 0; background: var(--panel); border: 1px solid var(--line); border-radius: 10px; overflow: hidden; }
.open { display: block; position: relative; width: 100%; padding: 0; border: 0; background: var(--blank); cursor: zoom-in; }
.open:focus-visible { outline: 3px solid var(--accent); outline-offset: -3px; }
.open .picture { display: block; width: 100%; height: 215px; }
.badges { position: absolute; top: 8px; left: 8px; display: flex; gap: 6px; }
.badge { font-size: 11.5px; font-weight: 600; color: var(--ink); background: var(--panel); border-radius: 6px; padding: 1px 7px; box-shadow: 0 1px 3px #0004; }
.badge.warn { color: var(--warn); background: var(--warn-ground); }
.failure { position: absolute; inset: auto 8px 8px; font-size: 12px; color: var(--bad); background: var(--bad-ground); border-radius: 6px; padding: 4px 8px; text-align: left; overflow-wrap: anywhere; }
figcaption { display: flex; flex-wrap: wrap; gap: 2px 10px; padding: 8px 12px 10px; }
.file { flex: 1; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.facts { color: var(--soft); font-variant-numeric: tabular-nums; }
.chips { display: flex; flex-wrap: wrap; gap: 3px 10px; width: 100%; }
.chip { display: inline-flex; align-items: center; gap: 5px; font-size: 12.5px; }
.chip i { width: 10px; height: 10px; border-radius: 3px; flex: none; }
.chip.more { color: var(--soft); }
.blank { fill: var(--blank); }
.labels, .mask { opacity: var(--opacity); }
path.mask { fill: var(--color); fill-rule: nonzero; }
.box { fill: transparent; stroke: var(--color); }
.crowd .box { stroke-dasharray: 6 4; }
.concern .box { stroke: #ff2d2d; }
.name { fill: #fff; stroke: #000c; paint-order: stroke; font-weight: 600; }
figure .name { display: none; }
.names-on figure .name, .open:hover .name { display: block; }
g.off { display: none; }
.no-boxes .box, .no-masks .mask, .no-masks .labels { display: none; }
body.no-names .name { display: none !important; }
.focus g.object:not(.on) { opacity: 0.15; }
.focus g.on .box { stroke-width: 3px; vector-effect: non-scaling-stroke; }
dialog { width: min(1500px, 96vw); height: min(900px, 94vh); border: 1px solid var(--line); border-radius: 12px; background: var(--panel); color: var(--ink); padding: 0; }
dialog::backdrop { background: #0009; }
.tools { display: flex; gap: 8px; padding: 10px 14px; border-bottom: 1px solid var(--line); }
#close { margin-left: auto; }
#view { display: flex; height: calc(100% - 52px); }
.stage { flex: 1.7; min-width: 0; background: var(--blank); }
.stage .picture { width: 100%; height: 100%; }
.side { flex: 1; min-width: 300px; overflow: auto; padding: 14px 16px; }
.side h2 { margin: 0; font-size: 16px; overflow-wrap: anywhere; }
.side p { margin: 2px 0 10px; }
.concern-line { color: var(--warn); }
table { width: 100%; border-collapse: collapse; margin-top: 12px; font-size: 13px; }
th { text-align: left; font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--line); padding: 3px 6px; }
td { padding: 3px 6px; border-bottom: 1px solid var(--line); vertical-align: top; }
.number { font-variant-numeric: tabular-nums; white-space: nowrap; }
.why { color: var(--warn); }
tr.on { background: var(--blank); }
@media (max-width: 800px) { .bar { position: static; } #view { flex-direction: column; } .stage { flex: none; height: 45%; }
  .side { min-width: 0; padding: 12px; } .number { white-space: normal; } th, td { padding: 3px 4px; } }
`;
