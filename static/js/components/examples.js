// Cards that fill in a question and, where they have them, pictures, parameters and a model.
import { fromTemplate, part, show } from "../lib/dom.js";
import { number, say } from "../lib/words.js";

const root = document.getElementById("examples");

/** Show `examples`; `onChoose(example, files)` hears which was clicked, `onProblem(words)` what failed. */
export function showExamples(examples, { onChoose, onProblem }) {
  part(root, "cards").replaceChildren(...examples.map((example) => card(example, onChoose, onProblem)));
  show(root, examples.length > 0);
}

function card(example, onChoose, onProblem) {
  const element = fromTemplate("example");
  part(element, "question").textContent = example.question;
  const [first, ...more] = example.pictures;
  const picture = element.querySelector("img");
  if (first) Object.assign(picture, { src: first.url, alt: first.description, hidden: false });
  const count = part(element, "more");
  count.textContent = `+${number(more.length)}`;
  show(count, more.length > 0);
  element.querySelector("button").addEventListener("click", async () => {
    try {
      onChoose(example, await Promise.all(example.pictures.map(fileOf)));
    } catch {
      onProblem(say("example_failed"));
    }
  });
  return element;
}

/** Fetch a picture as if the visitor had chosen a file of this name. */
async function fileOf({ url, description }) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status}`);
  const blob = await response.blob();
  const extension = blob.type.split("/")[1];
  return new File([blob], `${description || say("image")}.${extension}`, { type: blob.type });
}
