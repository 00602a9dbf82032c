// How a conversation looks that was taken away as one file, and what that file may do: show this style and its pictures.
// A test compares the hash with the style.
export const STYLE = `
:root { color-scheme: light dark; }
body { max-width: 46rem; margin: 0 auto; padding: 2rem 1.25rem; background: Canvas; color: CanvasText; font: 100%/1.6 system-ui, sans-serif; overflow-wrap: break-word; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0; }
h2 { font-size: 0.85rem; margin: 0 0 0.4rem; color: GrayText; }
.when { font-size: 0.85rem; color: GrayText; }
article { margin-top: 1.75rem; }
.user { margin-inline-start: 12%; padding: 0.8rem 1rem; border-radius: 12px; background: color-mix(in srgb, CanvasText 7%, Canvas); }
.typed { margin: 0; white-space: pre-wrap; }
figure { margin: 0 0 0.75rem; }
img, svg { display: block; max-width: 100%; height: auto; border-radius: 8px; overflow: hidden; }
.back { display: none; }
figure:target { position: fixed; inset: 0; z-index: 1; display: grid; place-items: center; margin: 0; background: Canvas; }
figure:target :is(img, svg) { width: 100vw; height: 100vh; object-fit: contain; border-radius: 0; }
figure:target .back { display: block; position: absolute; inset: 0.5rem 0.5rem auto auto; padding: 0 0.8rem; border-radius: 8px; background: Canvas; color: CanvasText; font-size: 2rem; text-decoration: none; }
.hue-0 { --hue: #d13438; } .hue-1 { --hue: #0a6ebd; } .hue-2 { --hue: #ffc53d; } .hue-3 { --hue: #218358; }
.hue-4 { --hue: #8e4ec6; } .hue-5 { --hue: #3fd9c6; } .hue-6 { --hue: #ff8b3d; } .hue-7 { --hue: #c2298a; }
rect { fill: transparent; stroke: var(--hue); stroke-width: 3px; vector-effect: non-scaling-stroke; }
svg a:is(:target, :hover, :focus-visible) rect { fill: color-mix(in srgb, var(--hue) 30%, transparent); stroke-width: 5px; }
text { font-family: system-ui, sans-serif; font-weight: 600; fill: #fff; stroke: #1f1e1b; stroke-width: 0.22em; stroke-linejoin: round; paint-order: stroke; }
.place { color: inherit; text-decoration: 2px underline var(--hue); }
.place:target { background: color-mix(in srgb, var(--hue) 30%, transparent); }
h3 { font-size: 1.1rem; line-height: 1.3; }
pre { overflow-x: auto; padding: 0.8rem 0.9rem; border-radius: 8px; background: color-mix(in srgb, CanvasText 7%, Canvas); }
code { font: 0.88em ui-monospace, monospace; }
table { display: block; overflow-x: auto; border-collapse: collapse; }
th, td { padding: 0.4em 0.8em; border: 1px solid color-mix(in srgb, CanvasText 20%, Canvas); text-align: start; }
.align-center { text-align: center; }
.align-right { text-align: end; }
blockquote { margin-inline: 0; padding-inline-start: 1em; border-inline-start: 3px solid color-mix(in srgb, CanvasText 20%, Canvas); }
.mathematics-display { display: block; overflow-x: auto; text-align: center; }
.hljs-comment, .hljs-quote { font-style: italic; color: GrayText; }
.hljs-keyword, .hljs-literal, .hljs-built_in, .hljs-title, .hljs-name { font-weight: 600; }
`;
export const POLICY = "default-src 'none'; img-src data:; style-src 'sha256-r6ft/Ab5MrwoLSDC7yhLtJfFutrXPj7tqjAivr93JBw='";
