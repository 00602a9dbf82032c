// What was written and not sent, of each conversation: text, images that are with the site, the client_id under which
// it was sent, and what it changes. Kept for this tab, so that two tabs do not overwrite each other's.
import { tab } from "./storage.js";

export const EMPTY = { text: "", images: [], clientId: null, changes: null, aside: null };

const key = (conversation) => `draft.${conversation ?? "new"}`;

export const drafts = {
  /** Give the draft of a conversation, null being a new one; `aside` is what was in the box before an earlier message. */
  read: (conversation) => ({ ...EMPTY, ...tab.get(key(conversation)) }),
  write(conversation, draft) {
    const isEmpty = !draft.text && !draft.images.length && !draft.changes;
    tab.set(key(conversation), isEmpty ? null : draft);
  },
  forget: (conversation) => tab.set(key(conversation), null),
};
