// The review queue: a decision shows the next item at once and is sent behind it, one after the other.
import { showPlaces } from "./places.js";

const items = document.getElementById("items");
const status = document.getElementById("status");
const trouble = document.getElementById("trouble");
const loading = document.getElementById("loading");
const empty = document.getElementById("empty");
const help = document.getElementById("help");
const keys = document.getElementById("keys");
const KEYS_OFF = "mmchat-review-keys-off";
// Nothing is left of these here; anything else that is refused can be mended and sent again.
const GONE = ["claim_lost", "already_decided"];

let requests = Promise.resolve();
let unsettled = 0;
const sent = new Map(); // decided here and not yet confirmed
const queued = new Map(); // of these, the requests that wait for their turn
let isLeft = false;

const shown = () => items.querySelector(".item:not([hidden])");
const held = () => [...items.querySelectorAll(".item")].map((item) => item.dataset.message);

function show(item, focus = true) {
  for (const other of items.children) other.hidden = other !== item;
  if (!item || !focus) return;
  item.querySelector("h2").focus({ preventScroll: true });
  item.querySelector(".subject")?.scrollIntoView({ block: "nearest" });
}

function showNext() {
  if (!shown()) show(items.firstElementChild);
  loading.hidden = Boolean(shown()) || unsettled === 0;
  empty.hidden = Boolean(shown()) || unsettled > 0;
}

function tell(text) {
  trouble.hidden = true;
  status.textContent = text;
}

function warn(text) {
  trouble.textContent = text;
  trouble.hidden = false;
}

function add(html) {
  const page = new DOMParser().parseFromString(html, "text/html");
  showPlaces(page);
  for (const item of page.querySelectorAll(".item")) {
    const id = item.dataset.message;
    if (!held().includes(id) && !sent.has(id)) items.append(document.adoptNode(item));
  }
}

async function ask(address, form) {
  for (const id of [...held(), ...sent.keys()]) form.append("have", id);
  form.set("page", items.dataset.page);
  const answer = await fetch(address, {
    method: "POST",
    body: form,
    keepalive: true, // what was decided reaches the site when its page is left
    headers: { Accept: "application/json" },
    redirect: "error",
  });
  if (!answer.ok && answer.status !== 409) throw new Error(items.dataset.forbidden);
  return answer.json();
}

// One after the other, so that each answer brings what is missing after the one before.
function inTurn(work) {
  unsettled += 1;
  requests = requests.then(work).finally(() => {
    unsettled -= 1;
    showNext();
  });
}

function take(told) {
  document.getElementById("waiting").textContent = told.waiting;
  document.getElementById("skipped").textContent = told.skipped;
  document.getElementById("return").hidden = !told.skipped;
  for (const id of told.lost) if (!sent.has(id)) document.getElementById(`item-${id}`)?.remove();
  add(told.html);
}

function decide(item, verdict) {
  const form = item.querySelector("form.decide");
  const body = new FormData(form);
  body.set("verdict", verdict);
  const id = item.dataset.message;
  sent.set(id, item);
  queued.set(id, () => {
    body.set("leaving", "yes"); // else the answer leads to a new page, which nobody sees and which takes items
    navigator.sendBeacon(form.action, body);
  });
  item.remove();
  tell("");
  showNext();
  inTurn(async () => {
    if (isLeft) return;
    queued.delete(id);
    try {
      const told = await ask(form.action, body);
      sent.delete(id);
      if (told.error && !GONE.includes(told.error.code)) putBack(item);
      if (told.error) warn(told.error.text);
      else tell(told.text);
      take(told);
    } catch (error) {
      sent.delete(id);
      putBack(item);
      warn(error instanceof TypeError ? items.dataset.offline : error.message);
    }
  });
}

function putBack(item) {
  items.prepend(item);
  show(item);
}

function undo() {
  const form = document.getElementById("undo");
  tell("");
  inTurn(async () => {
    try {
      const told = await ask(form.action, new FormData(form));
      if (told.error) warn(told.error.text);
      else tell(told.text);
      for (const id of told.first) document.getElementById(`item-${id}`)?.remove();
      take(told);
      const back = told.first.map((id) => document.getElementById(`item-${id}`)).find(Boolean);
      if (back) putBack(back);
    } catch (error) {
      warn(error instanceof TypeError ? items.dataset.offline : error.message);
    }
  });
}

function turn(box) {
  if (box) box.checked = !box.checked;
}

function reveal(button, clear) {
  button.setAttribute("aria-pressed", String(clear));
}

const actions = {
  u: (item) => item && decide(item, "upheld"),
  d: (item) => item && decide(item, "dismissed"),
  s: (item) => item && decide(item, "skipped"),
  z: () => undo(),
  n: (item) => item?.querySelector("textarea").focus(),
  h: (item) => turn(item?.querySelector("[name=hide]")),
  b: (item) => turn(item?.querySelector("[name=block_visitor]")),
  i: (item) => item?.querySelectorAll(".asked").forEach(turn),
  r: (item) => {
    const pictures = [...(item?.querySelectorAll(".reveal") ?? [])];
    const clear = pictures.some((picture) => picture.getAttribute("aria-pressed") === "false");
    for (const picture of pictures) reveal(picture, clear);
  },
  "?": () => help.showModal(),
};

if (keys) {
  document.getElementById("show-help").hidden = false;
  document.getElementById("keys-label").hidden = false;
  keys.checked = !localStorage.getItem(KEYS_OFF);
  keys.addEventListener("change", () => {
    if (keys.checked) localStorage.removeItem(KEYS_OFF);
    else localStorage.setItem(KEYS_OFF, "1");
  });
  document.getElementById("show-help").addEventListener("click", () => help.showModal());
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.matches("textarea")) return event.target.blur();
    if (!keys.checked || document.querySelector("dialog[open]") || event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target.matches("textarea, select, input:not([type=checkbox])")) return;
    const action = actions[event.key.toLowerCase()];
    if (!action) return;
    event.preventDefault();
    action(shown());
  });
  document.addEventListener("submit", (event) => {
    if (event.target.matches("form.decide")) {
      event.preventDefault();
      decide(event.target.closest(".item"), event.submitter.value);
    } else if (event.target.id === "undo") {
      event.preventDefault();
      undo();
    }
  });
  // What this page had claimed is free for others at once, and not only when the claims end.
  addEventListener("pagehide", () => {
    isLeft = true;
    for (const send of queued.values()) send();
    if (!unsettled && !held().length) return;
    const form = new FormData(document.getElementById("undo"));
    form.set("page", items.dataset.page);
    navigator.sendBeacon(items.dataset.release, form);
  });
  // A page that comes back as it was left has no claims any more.
  addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
}

items.addEventListener("click", (event) => {
  const picture = event.target.closest(".reveal");
  if (picture) reveal(picture, picture.getAttribute("aria-pressed") === "false");
});

show(shown());
