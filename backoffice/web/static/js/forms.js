import { said } from "./texts.js";

/**
 * Every form that posts: a second submit while the first is on its way is ignored. The pressed button turns,
 * and after a moment it is said that the page is at work.
 */
const PATIENCE = 8000; // an answer that is a download never leaves this page
const UPLOAD_PATIENCE = 180000;
const SAY_AFTER = 700;

export function guardForms(root) {
  for (const form of root.querySelectorAll("form")) {
    if (form.method === "post") sendOnce(form);
  }
}

function sendOnce(form) {
  const timers = [];
  let pressed = null;
  const status = document.createElement("span");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  const release = () => {
    timers.splice(0).forEach(clearTimeout);
    delete form.dataset.busy;
    delete pressed?.dataset.pressed;
    form.removeAttribute("aria-busy");
    status.textContent = "";
  };
  form.addEventListener("submit", (event) => {
    if ("busy" in form.dataset) {
      event.preventDefault();
      return;
    }
    // The button is not disabled: a disabled button's name and value would not be sent.
    form.dataset.busy = "";
    form.setAttribute("aria-busy", "true");
    form.append(status);
    pressed = event.submitter;
    if (pressed) pressed.dataset.pressed = "";
    const uploads = form.enctype === "multipart/form-data";
    timers.push(setTimeout(release, uploads ? UPLOAD_PATIENCE : PATIENCE));
    timers.push(setTimeout(() => { status.textContent = said("One moment, please."); }, SAY_AFTER));
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted) release(); });
}
