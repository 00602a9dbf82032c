// Keeps the page of what runs now fresh, until somebody unticks its box.
const MILLISECONDS = 2000;

const overview = document.getElementById("overview");
const box = document.getElementById("refresh");

async function refresh() {
  if (!box.checked || document.hidden) return;
  const answer = await fetch(location.href, { redirect: "error" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  // A button that is being pressed must not go away under the pointer.
  if (!box.checked || overview.matches(":active")) return;
  const focused = overview.contains(document.activeElement) ? document.activeElement.id : "";
  overview.replaceChildren(...page.getElementById("overview").childNodes);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

async function keepFresh() {
  // Logged out, or the site is away: the page keeps what it shows, and says of when it is.
  await refresh().catch(() => {});
  setTimeout(keepFresh, MILLISECONDS);
}

document.getElementById("refreshing").hidden = false;
setTimeout(keepFresh, MILLISECONDS);
