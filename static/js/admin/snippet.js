// The snippet for embedding sites: its address follows the choices above it.
const section = document.getElementById("snippet");
const area = section.querySelector("textarea");
const choices = [...section.querySelectorAll("select")];
const template = area.value;

function write() {
  const query = new URLSearchParams(choices.filter(({ value }) => value).map(({ name, value }) => [name, value]));
  const { address } = section.dataset;
  const whole = query.size ? `${address}?${query}`.replaceAll("&", "&amp;") : address;
  area.value = template.replace(`src="${address}"`, () => `src="${whole}"`);
}

for (const choice of choices) choice.addEventListener("change", write);
write(); // a page that is shown again keeps its choices
section.querySelector("button").addEventListener("click", () => {
  area.select();
  document.execCommand("copy"); // also over plain HTTP
  const told = section.querySelector("[role=status]");
  told.textContent = told.dataset.copied;
});
