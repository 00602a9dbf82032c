// Cards that fill in a question and, where they have one, a picture.
import { fromTemplate, part, show } from "../lib/dom.js";
import { say } from "../lib/words.js";

const root = document.getElementById("examples");

/** Show `examples`; `onChoose(question, file or null)` hears which was clicked, `onProblem(words)` what failed. */
export function showExamples(examples, { onChoose, onProblem }) {
  const cards = examples.map((example) => {
    const card = fromTemplate("example");
    part(card, "question").textContent = example.question;
    const picture = card.querySelector("img");
    if (example.picture) Object.assign(picture, { src: example.picture, alt: example.description ?? "", hidden: false });
    card.querySelector("button").addEventListener("click", async () => {
      try {
        onChoose(example.question, example.picture ? await fileAt(example.picture, example.description) : null);
      } catch {
        onProblem(say("example_failed"));
      }
    });
    return card;
  });
  part(root, "cards").replaceChildren(...cards);
  show(root, cards.length > 0);
}

/** Fetch a picture as if the visitor had chosen a file of this name. */
async function fileAt(url, name) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${response.status}`);
  const blob = await response.blob();
  const extension = blob.type.split("/")[1];
  return new File([blob], `${name || say("image")}.${extension}`, { type: blob.type });
}
