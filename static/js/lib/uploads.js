// One picture on its way to the site, over HTTP and before its message is sent, so that progress can be seen.
import { CallError, errorIn, offline, ourHeaders } from "./http.js";
import { number, say } from "./words.js";

/**
 * Upload `file`; `onProgress` hears the share sent so far, 0 to 1.
 * Gives {done, cancel}: `done` resolves to the site's ImageInfo or rejects with a CallError.
 */
export function upload(file, { url, csrfToken, onProgress }) {
  const request = new XMLHttpRequest();
  const done = new Promise((resolve, reject) => {
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      if (request.status !== 201) reject(errorIn(request.responseText));
      else resolve(JSON.parse(request.responseText));
    });
    request.addEventListener("error", () => reject(offline()));
    request.addEventListener("abort", () => reject(new CallError({ code: "cancelled", text: "" })));
  });
  const form = new FormData();
  form.append("image", file, file.name || "image");
  request.open("POST", url);
  const headers = { Accept: "application/json", "X-CSRFToken": csrfToken, ...ourHeaders };
  for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
  request.send(form);
  return { done, cancel: () => request.abort() };
}

/** Say that a file is of no format that the site takes; "" when it is. */
export function wrongFormat(file, limits) {
  return limits.formats.includes(file.type) ? "" : say("image_format", { name: file.name || say("image") });
}

/** Say what is wrong with a file before a byte is sent; "" when nothing is. */
export function refusal(file, limits) {
  if (file.size <= limits.image_bytes) return wrongFormat(file, limits);
  return say("image_too_large", {
    name: file.name || say("image"),
    size: megabytes(file.size),
    limit: megabytes(limits.image_bytes),
  });
}

function megabytes(bytes) {
  return number(bytes / 1048576, { maximumFractionDigits: 1 });
}
