// A child's page on a bad connection: a form is sent once, and only when the school's server answers. Until
// then the page stays as it is, with what was typed, and tries again. Nothing is kept in the browser: a page
// that is left forgets. Without this the browser's own page says that there is no connection.
const EVERY = 3000; // milliseconds
const PATIENCE = 4000;
// Nobody is to come in long after they went away.
const AT_MOST = 120_000;

const note = document.querySelector("[data-lost]");
let sending = null;

if (note) {
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || event.target.method !== "post") return;
    event.preventDefault();
    if (sending) return;
    sending = send(event.target, event.submitter).finally(() => {
      sending = null;
    });
  });
}

async function send(form, button) {
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
  if (!form.isConnected) return;
  // The form's own submission tells nobody which button was pressed.
  if (button?.name) {
    const pressed = document.createElement("input");
    Object.assign(pressed, { type: "hidden", name: button.name, value: button.value });
    form.append(pressed);
    setTimeout(() => pressed.remove());
  }
  HTMLFormElement.prototype.submit.call(form);
  // Held until the next page is here: a second press sends nothing.
  await new Promise((resolve) => {
    addEventListener("pageshow", resolve, { once: true });
    setTimeout(resolve, PATIENCE);
  });
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
