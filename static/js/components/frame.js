// The page in a frame of another site: tells the page around it how tall it would like to be, finds out what its visitor
// agreed to, and renews addresses of pictures, which hold for minutes there.
import { getJSON, ourHeaders } from "../lib/http.js";
import { isReturning } from "../lib/visitor.js";

const SHORTEST = 320; // CSS pixels
const PICTURE = /^\/images\/[0-9a-f-]+\//;

export class Frame {
  #side = document.querySelector(".side");
  #scroller = document.getElementById("scroller");
  #log = document.getElementById("log");
  #welcome = document.getElementById("welcome");
  #page = document.getElementById("page");
  #parent = null;
  #told = 0;

  /** `site`: consent, urls.consent, and `frame.origins`, those that may show this page, as the site's policy has them. */
  constructor(site) {
    const { origins } = site.frame;
    if (isReturning) getJSON(site.urls.consent).then((held) => (site.consent = held), () => {});
    document.addEventListener("error", ({ target }) => renew(target), { capture: true });
    const around = parentOrigin();
    if (window.parent === window || !origins.some((allowed) => fits(around, allowed))) return;
    this.#parent = around;
    const observer = new ResizeObserver(() => this.#tell());
    const parts = [this.#log, this.#welcome, this.#page, document.getElementById("composer"), ...this.#side.children];
    for (const element of parts) observer.observe(element);
  }

  #tell() {
    const height = Math.ceil(Math.max(SHORTEST, this.#ofSide(), this.#ofConversation()));
    if (Math.abs(height - this.#told) <= 1) return; // parts of pixels, which come and go with the height itself
    this.#told = height;
    window.parent.postMessage({ type: "mmchat.height", height }, this.#parent);
  }

  /** The height at which nothing of the conversation would scroll, whatever the height is now. */
  #ofConversation() {
    const content = (this.#welcome.hidden ? 0 : ofContent(this.#welcome)) + tall(this.#log);
    return tall(this.#page) + content + padding(this.#scroller) - tall(this.#scroller);
  }

  /** The same for the column beside it; 0 where all is one column. */
  #ofSide() {
    const parts = [...this.#side.children].filter((child) => child.offsetHeight > 0);
    const { display, rowGap } = getComputedStyle(this.#side);
    if (display === "contents") return 0;
    return parts.reduce((sum, child) => sum + tall(child), (parts.length - 1) * parseFloat(rowGap)) + padding(this.#side);
  }
}

const tall = (element) => element.getBoundingClientRect().height;

function padding(element) {
  const { paddingTop, paddingBottom } = getComputedStyle(element);
  return parseFloat(paddingTop) + parseFloat(paddingBottom);
}

/** The height of what is in an element that may itself be stretched. */
function ofContent(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  return range.getBoundingClientRect().height + padding(element);
}

/** The origin of the page around this one; "" where the browser does not tell. */
function parentOrigin() {
  if (location.ancestorOrigins?.length) return location.ancestorOrigins[0];
  return document.referrer ? new URL(document.referrer).origin : "";
}

/** Is `origin` one that a source of the policy, perhaps with a `*`, allows? */
function fits(origin, source) {
  const pattern = source.split("*").map((text) => text.replace(/[.[\]]/g, "\\$&"));
  return new RegExp(`^${pattern.join("[a-z0-9.-]+")}$`, "i").test(origin);
}

/** Get a picture whose address is over by the visitor's token. */
async function renew(image) {
  if (!(image instanceof HTMLImageElement) || !PICTURE.test(new URL(image.src, location.href).pathname)) return;
  const answer = await fetch(image.src, { headers: ourHeaders }).catch(() => null);
  if (!answer?.ok) return;
  image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
  image.src = URL.createObjectURL(await answer.blob());
}
