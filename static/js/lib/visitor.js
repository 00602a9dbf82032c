// Who the visitor is. Pages of the site know it by a cookie. In frames of other sites, which get none, the page offers
// a token, and the frame keeps the first one in its own storage.
import { dataIn } from "./dom.js";
import { browser } from "./storage.js";

const offered = dataIn("bootstrap")?.frame?.token ?? null;
const kept = offered && browser.get("visitor");
const token = kept ?? offered;
if (offered && !kept) browser.set("visitor", offered);

/** Has this frame been used before? Then what the page says of its visitor is of nobody. */
export const isReturning = Boolean(kept);

/** Headers of calls to the site. */
export const visitorHeaders = token ? { "X-Visitor": token } : {};

/** What a socket offers in its handshake, where a browser sends no headers of ours. */
export const visitorProtocols = token ? ["mmchat", `visitor.${token}`] : [];

/** Begin as somebody new when the page is loaded anew: the site does not know this token any more. */
export function forgetVisitor() {
  browser.set("visitor", null);
}
