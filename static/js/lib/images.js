// Images as the site tells of them: {id, url, thumbnail, width, height, name, description}.
import { say } from "./words.js";

/** What is said in the place of an image. */
export function altOf({ description, name }) {
  return description || name || say("image");
}
