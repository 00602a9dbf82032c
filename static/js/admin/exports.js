// Shows how far exports are, as long as any of them waits or runs.
const MILLISECONDS = 2000;

const results = () => document.querySelector(".results");

async function refresh() {
  if (document.hidden || results().matches(":active") || results().querySelector(":checked")) return;
  const answer = await fetch(location.href, { redirect: "error" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.querySelector(".results");
  if (fresh && !results().matches(":active")) results().replaceChildren(...fresh.childNodes);
}

async function keepFresh() {
  if (!results()?.querySelector("progress")) return;
  // Logged out, or the site is away: the page keeps what it shows.
  await refresh().catch(() => {});
  setTimeout(keepFresh, MILLISECONDS);
}

setTimeout(keepFresh, MILLISECONDS);
