// Makes nodes of the document like others with as few changes as there are, so that what stays the same stays the
// same node: nothing flickers, selections hold, and little is laid out anew.

const made = new WeakMap(); // an element of the document → takes a node and tells whether it could become like it

/**
 * Make what follows `after` in `parent` (with null, all of it) like the detached `nodes`, which are used up.
 *
 * `dress` is for elements that stand for something else: those that match `dress.selector` are replaced by what
 * `dress.make(element)` gives, {element, update(node, dress)}; `update` tells whether the element could become like another.
 */
export function morph(parent, after, nodes, dress) {
  let at = after ? after.nextSibling : parent.firstChild;
  for (const node of nodes) {
    const next = at?.nextSibling ?? null;
    if (at) replace(at, node, dress);
    else parent.append(dressed(node, dress));
    at = next;
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}

/** Make one node of the document like the detached `node`, or put that in its place. */
export function replace(live, node, dress) {
  if (!becomes(live, node, dress)) live.replaceWith(dressed(node, dress));
}

function becomes(live, node, dress) {
  if (made.has(live)) return made.get(live)(node, dress);
  if (live.nodeName !== node.nodeName) return false;
  if (node instanceof Text) return becomesText(live, node.data);
  if (node.matches(dress.selector) || !hasAttributesOf(live, node)) return false;
  morph(live, null, [...node.childNodes], dress);
  return true;
}

function becomesText(live, text) {
  if (text === live.data) return true;
  if (text.startsWith(live.data)) live.appendData(text.slice(live.data.length));
  else live.data = text;
  return true;
}

function hasAttributesOf(live, node) {
  if (live.attributes.length !== node.attributes.length) return false;
  return [...node.attributes].every(({ name, value }) => live.getAttribute(name) === value);
}

function dressed(node, dress) {
  if (!(node instanceof Element)) return node;
  const isSpecial = node.matches(dress.selector);
  for (const inner of node.querySelectorAll(dress.selector)) {
    const mark = new Comment();
    inner.replaceWith(mark);
    mark.replaceWith(special(inner, dress));
  }
  return isSpecial ? special(node, dress) : node;
}

function special(node, dress) {
  const { element, update } = dress.make(node);
  made.set(element, update);
  return element;
}
