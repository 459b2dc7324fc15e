/** The style of the page that {@link explainHtml} makes. The script takes the colours of the lanes from here as well. */
export const PAGE_STYLE: string = `
:root {
  color-scheme: light dark;
  --back: #fff; --text: #222; --dim: #595959; --edge: #ccc; --grid: #eee; --lane: #999;
  --broken: #a00; --kept: #060; --frame: #5b7aa0; --late: #e67e00; --lost: #d00000; --gone: #bbb;
  --fault: #f3b0a8; --spread: rgba(220, 80, 60, 0.08); --down: #444; --candidate: #f4d58d; --other: #eef1f5; --role-light: 75%;
}
@media (prefers-color-scheme: dark) {
  :root {
    --back: #16181b; --text: #e4e4e4; --dim: #a6a6a6; --edge: #44484d; --grid: #26292d; --lane: #6c7075;
    --broken: #ff8a80; --kept: #7fd48a; --frame: #7ea6d8; --late: #ffa040; --lost: #ff6060; --gone: #777;
    --fault: #7d3f38; --spread: rgba(255, 110, 90, 0.1); --down: #7a7d82; --candidate: #7d6420; --other: #2a2f36; --role-light: 32%;
  }
}
body { font: 14px/1.4 system-ui, sans-serif; margin: 16px; color: var(--text); background: var(--back); }
h1 { font-size: 18px; margin: 0 0 4px; }
p { margin: 4px 0; }
.broken { color: var(--broken); font-weight: 600; white-space: pre-wrap; overflow-wrap: anywhere; max-width: 120ch; }
.kept { color: var(--kept); }
form { display: flex; flex-wrap: wrap; gap: 6px 12px; align-items: center; margin: 8px 0; }
form span, #view, #more { color: var(--dim); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 12px; list-style: none; padding: 0; margin: 4px 0; font-size: 12px; }
.legend li::before { content: ''; display: inline-block; width: 14px; height: 10px; margin-right: 4px; border: 1px solid var(--edge); }
.legend .leader::before { background: linear-gradient(90deg, hsl(130 50% var(--role-light)), hsl(210 50% var(--role-light)), hsl(300 50% var(--role-light))); }
.legend .candidate::before { background: var(--candidate); }
.legend .down::before { background: var(--down); }
.legend .paused::before { background: repeating-linear-gradient(45deg, var(--lane), var(--lane) 2px, var(--back) 2px, var(--back) 4px); }
.legend .fault::before { background: var(--fault); }
.legend .lost::before { background: var(--lost); }
.legend .late::before { background: var(--late); }
.legend .under-way::before { background: var(--gone); }
canvas { width: 100%; display: block; box-sizing: border-box; border: 1px solid var(--edge); cursor: grab; touch-action: pan-y; }
#hint { min-height: 36px; font: 12px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
#hint:empty::before { content: 'Point at a frame, an event or a fault to read about it.'; color: var(--dim); }
#list { max-height: 60vh; min-height: 200px; overflow: auto; border-bottom: 1px solid var(--edge); }
table { border-collapse: collapse; width: 100%; font: 12px/1.5 ui-monospace, monospace; }
th { text-align: left; position: sticky; top: 0; background: var(--back); box-shadow: 0 1px var(--lane); }
th, td { padding: 0 12px 0 0; vertical-align: top; white-space: nowrap; }
td { border-bottom: 1px solid var(--grid); }
th:first-child, td:first-child { text-align: right; }
th:last-child, td:last-child { width: 100%; padding-right: 0; }
td:last-child { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 30ch; }
tr.broken td { color: var(--broken); white-space: pre-wrap; }
`
