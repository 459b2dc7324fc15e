/** The style of the page that {@link explainHtml} makes. */
export const PAGE_STYLE: string = `
body { font: 14px/1.4 system-ui, sans-serif; margin: 16px; color: #222; background: #fff; }
h1 { font-size: 18px; margin: 0 0 4px; }
p { margin: 4px 0; }
.broken { color: #a00; font-weight: 600; white-space: pre-wrap; }
.kept { color: #060; }
form { display: flex; flex-wrap: wrap; gap: 12px; align-items: center; margin: 8px 0; }
.legend { display: flex; flex-wrap: wrap; gap: 12px; list-style: none; padding: 0; margin: 4px 0; font-size: 12px; }
.legend li::before { content: ''; display: inline-block; width: 14px; height: 10px; margin-right: 4px; border: 1px solid #0003; }
.legend .leader::before { background: linear-gradient(90deg, #8fd19e, #8fb8de, #d8a7d8); }
.legend .candidate::before { background: #f4d58d; }
.legend .down::before { background: #444; }
.legend .paused::before { background: repeating-linear-gradient(45deg, #999, #999 2px, #fff 2px, #fff 4px); }
.legend .fault::before { background: #f3b0a8; }
.legend .lost::before { background: #d00; }
.legend .late::before { background: #e67e00; }
.legend .under-way::before { background: #bbb; }
canvas { width: 100%; display: block; border: 1px solid #ccc; cursor: grab; touch-action: none; }
#hint { min-height: 20px; font: 12px/1.5 ui-monospace, monospace; white-space: pre-wrap; }
table { border-collapse: collapse; width: 100%; font: 12px/1.5 ui-monospace, monospace; }
th { text-align: left; border-bottom: 1px solid #999; }
td { padding: 0 8px 0 0; vertical-align: top; border-bottom: 1px solid #eee; }
td:first-child { text-align: right; white-space: nowrap; }
`
