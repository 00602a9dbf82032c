// A conversation to take away, made from the site's data (docs/data.md): with its pictures, and as Markdown.
import { ourHeaders } from "./http.js";
import { altOf } from "./images.js";
import { say } from "./words.js";

/** Put each picture into the data as a data URL, under `data`; null for one that the site does not show any more. */
export async function withPictures(conversation, onProgress) {
  const images = conversation.messages.flatMap((message) => message.images ?? []);
  for (const [index, image] of images.entries()) {
    onProgress(index + 1, images.length);
    image.data ??= await dataURL(image.url);
  }
  return conversation;
}

async function dataURL(url) {
  const answer = await fetch(url, { headers: ourHeaders, credentials: "same-origin" });
  if (!answer.ok) return null;
  const blob = await answer.blob();
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(blob);
  });
}

/** Write what is on screen as Markdown. `titleOf` gives a model's title by its name. */
export function asMarkdown(conversation, titleOf) {
  const parts = shownOf(conversation).map((message) => {
    const images = (message.images ?? []).map((image) => `*[${named(image)}]*`);
    return [`**${speaker(message, titleOf)}:**`, ...images, message.text].filter(Boolean).join("\n\n");
  });
  return `${[`# ${conversation.title || say("untitled")}`, ...parts].join("\n\n")}\n`;
}

/** The messages of the branch on screen. */
export function shownOf({ messages }) {
  return messages.filter(({ shown }) => shown);
}

/** Who says a message. */
export function speaker({ role, model }, titleOf) {
  return role === "user" ? say("share_you") : titleOf(model);
}

/** A picture's description or name, and size. */
export function named(image) {
  return `${altOf(image)}, ${say("size", image)}`;
}
