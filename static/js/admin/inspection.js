// “What the model saw” of replies in the administration. Items of the review queue come later, so the page
// is listened to; pictures are blurred there.
import { Inspection } from "../components/inspection.js";

let inspection = null;

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-inspect]");
  if (!button) return;
  inspection ??= new Inspection({ guarded: document.getElementById("items") !== null });
  inspection.open(button.dataset.inspect);
});
