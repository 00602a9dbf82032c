// Asks a backend, and a model of it, from the page of the backend; what comes is shown in place, as text.
const check = document.getElementById("check");
const trial = document.getElementById("try");

const status = (form) => form.querySelector("[role=status]");
const post = (form, signal) =>
  fetch(form.action, {
    method: "POST",
    body: new FormData(form),
    headers: { Accept: "application/json" },
    redirect: "error", // to the log-in page, which is no answer
    signal,
  });

function tell(form, text, isWell = true) {
  status(form).textContent = text;
  status(form).classList.toggle("errornote", !isWell);
}

check.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = check.querySelector("button");
  button.disabled = true;
  tell(check, check.dataset.asking);
  try {
    const answer = await post(check);
    if (!answer.ok) throw new Error(answer.status);
    const { text, is_well: isWell } = await answer.json();
    tell(check, text, isWell);
  } catch {
    tell(check, check.dataset.failed, false);
  }
  button.disabled = false;
  button.focus();
});

/** Give each line of a body as it comes, as the value that it is. */
async function* lines(body) {
  let rest = "";
  for (const reader = body.pipeThrough(new TextDecoderStream()).getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) yield JSON.parse(part);
  }
}

const seconds = (number) => (number ?? 0).toFixed(2);

function summary({ worker, first, seconds: all, tokens }) {
  const values = { worker, first: seconds(first), seconds: seconds(all), tokens };
  const fill = (words) => words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  return fill(trial.dataset.done) + (tokens === null ? "" : ` ${fill(trial.dataset.tokens)}`);
}

const problem = ({ code, text, detail }) => `${text} (${detail ? `${code}: ${detail}` : code})`;

async function ask(signal) {
  const shown = trial.querySelector(".answer");
  const answer = await post(trial, signal);
  if (answer.status === 400) return tell(trial, problem((await answer.json()).error), false);
  if (!answer.ok) throw new Error(answer.status);
  shown.textContent = "";
  for await (const said of lines(answer.body)) {
    if (said.text !== undefined) {
      shown.hidden = false;
      shown.textContent = said.text;
      tell(trial, "");
    } else if (said.error) return tell(trial, problem(said.error), false);
    else return tell(trial, summary(said.done));
  }
  throw new Error("the answer has no end");
}

trial?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { stop } = trial.elements;
  const button = trial.querySelector("button:not([name])");
  const stopping = new AbortController();
  stop.onclick = () => stopping.abort();
  button.disabled = true;
  stop.hidden = false;
  tell(trial, trial.dataset.asking);
  try {
    await ask(stopping.signal);
  } catch {
    if (stopping.signal.aborted) tell(trial, trial.dataset.stopped);
    else tell(trial, trial.dataset.failed, false);
  }
  button.disabled = false;
  stop.hidden = true;
  button.focus();
});
