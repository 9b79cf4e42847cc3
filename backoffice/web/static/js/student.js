// A child's page on a bad connection: a form is sent once and a link followed only when the school's server
// answers. Until then the page stays as it is, with what was typed, and tries again. Nothing is kept in the
// browser: a page that is left forgets. Without this the browser's own page says that there is no connection.
const EVERY = 3000; // milliseconds
const PATIENCE = 4000;
// Nobody is to come in long after they went away.
const AT_MOST = 120_000;

const note = document.querySelector("[data-lost]");
let going = null;

if (note) {
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    event.preventDefault();
    once(() => send(event.target, event.submitter));
  });
  // A tap on a link while there is no connection would leave the page for the browser's own, and what was typed.
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || opensElsewhere(event, link)) return;
    event.preventDefault();
    once(() => location.assign(link.href));
  });
}

function opensElsewhere(event, link) {
  const beside = event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || link.target;
  return beside || link.origin !== location.origin || link.getAttribute("href").startsWith("#");
}

function once(go) {
  if (going) return;
  going = whenConnected(go).finally(() => {
    going = null;
  });
}

async function whenConnected(go) {
  const until = Date.now() + AT_MOST;
  while (!(await answers())) {
    if (Date.now() > until) {
      note.textContent = note.dataset.givenUp;
      return;
    }
    note.textContent = note.dataset.again;
    await online();
  }
  note.textContent = "";
  go();
  // Held until the next page is here: a second press sends nothing.
  await new Promise((resolve) => {
    addEventListener("pageshow", resolve, { once: true });
    setTimeout(resolve, PATIENCE);
  });
}

function send(form, button) {
  if (!form.isConnected) return;
  // The form's own submission tells nobody which button was pressed.
  if (button?.name) {
    const pressed = document.createElement("input");
    Object.assign(pressed, { type: "hidden", name: button.name, value: button.value });
    form.append(pressed);
    setTimeout(() => pressed.remove());
  }
  HTMLFormElement.prototype.submit.call(form);
}

async function answers() {
  if (!navigator.onLine) return false;
  try {
    const signal = AbortSignal.timeout(PATIENCE);
    await fetch("/healthz", { method: "HEAD", cache: "no-store", credentials: "omit", signal });
    return true;
  } catch {
    return false;
  }
}

function online() {
  return new Promise((resolve) => {
    addEventListener("online", resolve, { once: true });
    setTimeout(resolve, EVERY);
  });
}
