// What a model thinks before it answers, between <think> and </think>, told apart from its answer.

const OPEN = "<think>";
const CLOSE = "</think>";
// Templates may open it in the prompt; then only its end is in the reply. In the midst of a line it is talked about.
const CLOSE_ALONE = /\n<\/think>\s*\n/;

/** Part a reply: {thought, isThinking, answer}; `thought` is null where there is none. With `done` nothing follows. */
export function parted(text, { done }) {
  const start = text.trimStart();
  if (start.startsWith(OPEN)) return thinking(start.slice(OPEN.length), done);
  if (!done && OPEN.startsWith(start)) return { thought: null, isThinking: false, answer: "" };
  const end = CLOSE_ALONE.exec(text);
  if (!end) return { thought: null, isThinking: false, answer: text };
  return { thought: text.slice(0, end.index), isThinking: false, answer: text.slice(end.index + end[0].length).trimStart() };
}

function thinking(text, done) {
  const end = text.indexOf(CLOSE);
  if (end !== -1) return { thought: text.slice(0, end).trim(), isThinking: false, answer: text.slice(end + CLOSE.length).trimStart() };
  return { thought: text.replace(/<[/a-z]{0,6}$/, "").trim(), isThinking: !done, answer: "" };
}
