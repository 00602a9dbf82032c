// Images that are pasted or dropped, anywhere on the page.
import { show } from "../lib/dom.js";

/** Let `onFiles` hear of them. */
export function acceptImages(onFiles) {
  document.addEventListener("paste", (event) => {
    const files = imagesIn(event.clipboardData);
    if (!files.length) return;
    event.preventDefault();
    onFiles(files);
  });
  const cover = document.getElementById("drop-cover");
  const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
  document.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    show(cover, true);
  });
  document.addEventListener("dragleave", (event) => event.relatedTarget || show(cover, false));
  document.addEventListener("drop", (event) => {
    show(cover, false);
    if (!hasFiles(event)) return;
    event.preventDefault();
    onFiles(event.dataTransfer.files);
  });
}

/** Files of a paste; text that was copied together with a picture of itself stays text. */
function imagesIn(data) {
  if (!data || data.types.includes("text/plain")) return [];
  return [...data.files].filter((file) => file.type.startsWith("image/"));
}
