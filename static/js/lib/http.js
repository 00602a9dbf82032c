// The site's HTTP calls. Errors come as {"error": {code, text, field, limit}} with words for the visitor.
import { say } from "./words.js";

/** A call that failed: `message` is fit for the visitor. */
export class CallError extends Error {
  constructor({ code = "unknown", text = "", field = null, limit = null } = {}) {
    super(text || say("call_failed"));
    Object.assign(this, { code, field, limit });
  }

  /** Can only a page loaded anew do it? */
  get needsReload() {
    return ["csrf_failed", "no_visitor"].includes(this.code);
  }
}

/** Read the error out of a body that may be anything. */
export function errorIn(body) {
  try {
    return new CallError(JSON.parse(body).error ?? {});
  } catch {
    return new CallError();
  }
}

/** Fill the placeholders of an address template, such as /c/{id}/. */
export function address(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, key) => encodeURIComponent(values[key]));
}

/** GET JSON. */
export async function getJSON(url) {
  return answer(fetch(url, { headers: { Accept: "application/json" }, credentials: "same-origin" }));
}

/** POST JSON, with Django's token against forged requests. */
export async function postJSON(url, body, csrfToken) {
  return answer(
    fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken },
      body: JSON.stringify(body),
      credentials: "same-origin",
    }),
  );
}

async function answer(request) {
  let response;
  try {
    response = await request;
  } catch {
    throw new CallError({ code: "offline", text: say("call_offline") });
  }
  const body = await response.text();
  if (!response.ok) throw errorIn(body);
  try {
    return JSON.parse(body);
  } catch {
    throw new CallError();
  }
}
