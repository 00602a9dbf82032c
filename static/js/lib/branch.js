// Messages form a tree: each names its `parent`, and in `siblings` what else follows that parent, oldest first.
// We hold some of them, parents before what follows them, as a Map from id to message.

/** List the messages that led to `leaf` as far as we hold them, `leaf` last. */
export function branchOf(messages, leaf) {
  const branch = [];
  for (let at = messages.get(leaf); at; at = messages.get(at.parent)) branch.unshift(at);
  return branch;
}

/** Give the id of the message that came last on the branches through `id`. */
export function newestBelow(messages, id) {
  const below = new Set([id]);
  let newest = id;
  for (const message of messages.values()) {
    if (!below.has(message.parent)) continue;
    below.add(message.id);
    newest = message.id;
  }
  return newest;
}

/** Let a message and those beside it know of each other; a new one is told of alone. */
export function joinSiblings(messages, message) {
  const beside = [...messages.values()].filter(({ parent }) => parent === message.parent);
  const ids = [...new Set(beside.concat(message).flatMap(({ siblings }) => siblings))];
  for (const one of beside.concat(message)) one.siblings = ids;
}
