// The only way of model output into the document: a fragment of known elements without scripts or styles.
import "../../vendor/dompurify/purify.js";

const { DOMPurify } = globalThis;

const TAGS =
  "p br strong em s code pre a ul ol li blockquote h3 hr table thead tbody tr th td span";

const OPTIONS = {
  ALLOWED_TAGS: TAGS.split(" "),
  ALLOWED_ATTR: ["href", "class", "start", "title"],
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:)/i,
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  RETURN_DOM_FRAGMENT: true,
};

/** Turn HTML of the Markdown reader or the highlighter into a fragment that is safe to insert. */
export function safeFragment(html) {
  const fragment = DOMPurify.sanitize(html, OPTIONS);
  for (const link of fragment.querySelectorAll("a")) {
    link.target = "_blank";
    link.rel = "noopener noreferrer nofollow";
  }
  return fragment;
}
