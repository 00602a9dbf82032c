// Colours of code: a highlighter, and of its languages those that a reply has, each loaded when one comes.
import { pause } from "./frames.js";
import { safeFragment } from "./sanitise.js";

const LANGUAGES = {
  bash: () => import("../../vendor/highlight/languages/bash.js"),
  c: () => import("../../vendor/highlight/languages/c.js"),
  cpp: () => import("../../vendor/highlight/languages/cpp.js"),
  csharp: () => import("../../vendor/highlight/languages/csharp.js"),
  css: () => import("../../vendor/highlight/languages/css.js"),
  diff: () => import("../../vendor/highlight/languages/diff.js"),
  dockerfile: () => import("../../vendor/highlight/languages/dockerfile.js"),
  go: () => import("../../vendor/highlight/languages/go.js"),
  graphql: () => import("../../vendor/highlight/languages/graphql.js"),
  ini: () => import("../../vendor/highlight/languages/ini.js"),
  java: () => import("../../vendor/highlight/languages/java.js"),
  javascript: () => import("../../vendor/highlight/languages/javascript.js"),
  json: () => import("../../vendor/highlight/languages/json.js"),
  kotlin: () => import("../../vendor/highlight/languages/kotlin.js"),
  latex: () => import("../../vendor/highlight/languages/latex.js"),
  less: () => import("../../vendor/highlight/languages/less.js"),
  lua: () => import("../../vendor/highlight/languages/lua.js"),
  makefile: () => import("../../vendor/highlight/languages/makefile.js"),
  markdown: () => import("../../vendor/highlight/languages/markdown.js"),
  matlab: () => import("../../vendor/highlight/languages/matlab.js"),
  objectivec: () => import("../../vendor/highlight/languages/objectivec.js"),
  perl: () => import("../../vendor/highlight/languages/perl.js"),
  php: () => import("../../vendor/highlight/languages/php.js"),
  python: () => import("../../vendor/highlight/languages/python.js"),
  r: () => import("../../vendor/highlight/languages/r.js"),
  ruby: () => import("../../vendor/highlight/languages/ruby.js"),
  rust: () => import("../../vendor/highlight/languages/rust.js"),
  scss: () => import("../../vendor/highlight/languages/scss.js"),
  shell: () => import("../../vendor/highlight/languages/shell.js"),
  sql: () => import("../../vendor/highlight/languages/sql.js"),
  swift: () => import("../../vendor/highlight/languages/swift.js"),
  typescript: () => import("../../vendor/highlight/languages/typescript.js"),
  vbnet: () => import("../../vendor/highlight/languages/vbnet.js"),
  xml: () => import("../../vendor/highlight/languages/xml.js"),
  yaml: () => import("../../vendor/highlight/languages/yaml.js"),
};
const ALIASES = {
  bash: "sh zsh", c: "h", cpp: "c++ cc hpp", csharp: "cs c#", diff: "patch", dockerfile: "docker", go: "golang",
  ini: "toml", java: "jsp", javascript: "js jsx mjs cjs", json: "json5 jsonc", kotlin: "kt", latex: "tex",
  makefile: "make mk", markdown: "md", objectivec: "objc", perl: "pl", python: "py python3", ruby: "rb", rust: "rs",
  shell: "console", typescript: "ts tsx", vbnet: "vb", xml: "html xhtml svg", yaml: "yml",
};
const INSIDE = { markdown: ["xml"], php: ["xml"], shell: ["bash"], xml: ["javascript", "css"] };

const names = new Map(Object.keys(LANGUAGES).map((name) => [name, name]));
for (const [name, others] of Object.entries(ALIASES)) for (const other of others.split(" ")) names.set(other, name);
const loading = new Map();
let highlighter = null;

/**
 * Colour code: {fragment, isWhole}, where `isWhole` tells that nothing is open at its end, such as a comment, so that
 * what follows can be coloured by itself. Null for languages without colours, undefined until `loadColours(language)`.
 */
export function coloursOf(text, language) {
  const name = names.get(language.toLowerCase());
  if (!name) return null;
  if (!highlighter?.getLanguage(name)) return undefined;
  const { value, _top } = highlighter.highlight(text, { language: name, ignoreIllegals: true });
  return { fragment: safeFragment(value), isWhole: !_top?.parent };
}

/** Load what `coloursOf` needs for a language. */
export async function loadColours(language) {
  const name = names.get(language.toLowerCase());
  if (!name) return;
  await Promise.all([name, ...(INSIDE[name] ?? [])].map(load));
}

function load(name) {
  if (!loading.has(name)) loading.set(name, register(name));
  return loading.get(name);
}

async function register(name) {
  const [{ default: core }, { default: grammar }] = await Promise.all([
    import("../../vendor/highlight/core.js"),
    LANGUAGES[name](),
  ]);
  await pause();
  core.registerLanguage(name, grammar);
  core.highlight("", { language: name }); // which makes of the grammar what it is used as: as much work as a page of code
  await pause();
  highlighter = core;
}
