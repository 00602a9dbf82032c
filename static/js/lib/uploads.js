// One picture on its way to the site, over HTTP and before its message is sent, so that progress can be seen.
import { CallError, errorIn } from "./http.js";
import { say } from "./words.js";

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
    request.addEventListener("error", () => reject(new CallError({ code: "offline", text: say("call_offline") })));
    request.addEventListener("abort", () => reject(new CallError({ code: "cancelled", text: "" })));
  });
  const form = new FormData();
  form.append("image", file, file.name || "image");
  request.open("POST", url);
  request.setRequestHeader("X-CSRFToken", csrfToken);
  request.setRequestHeader("Accept", "application/json");
  request.send(form);
  return { done, cancel: () => request.abort() };
}

/** Say what is wrong with a file before a byte is sent; "" when nothing is. */
export function refusal(file, limits) {
  if (!limits.formats.includes(file.type)) return say("image_format", { name: file.name || say("image") });
  if (file.size > limits.image_bytes) {
    return say("image_too_large", {
      name: file.name || say("image"),
      size: megabytes(file.size),
      limit: megabytes(limits.image_bytes),
    });
  }
  return "";
}

function megabytes(bytes) {
  return new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 1 }).format(bytes / 1048576);
}
