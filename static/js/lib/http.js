// The site's HTTP calls. Errors come as {"error": {code, text, field, limit}} with words for the visitor.
import { forgetVisitor, visitorHeaders } from "./visitor.js";
import { say } from "./words.js";

/** Of each call: who the visitor is, and, for errors, the page's language, where frames send no cookies for either. */
export const ourHeaders = { "Accept-Language": document.documentElement.lang, ...visitorHeaders };

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

/** Make the error of a site that could not be reached. */
export const offline = () => new CallError({ code: "offline", text: say("call_offline") });

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
  return answer(fetch(url, { headers: { Accept: "application/json", ...ourHeaders }, credentials: "same-origin" }));
}

/** POST JSON, with Django's token against forged requests. */
export async function postJSON(url, body, csrfToken) {
  return answer(
    fetch(url, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json",
        "X-CSRFToken": csrfToken,
        ...ourHeaders,
      },
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
    throw offline();
  }
  const body = await response.text();
  if (!response.ok) {
    const error = errorIn(body);
    if (error.code === "no_visitor") forgetVisitor();
    throw error;
  }
  try {
    return JSON.parse(body);
  } catch {
    throw new CallError();
  }
}
