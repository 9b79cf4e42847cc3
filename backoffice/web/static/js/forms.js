/**
 * Two guards for forms.
 *
 * - `<form data-guard>`: leaving the page with changed, unsent fields asks first.
 * - every form that posts: a second submit while the first is on its way is ignored.
 */
export function guardForms(root) {
  for (const form of root.querySelectorAll("form")) {
    if (form.method === "post") sendOnce(form);
    if ("guard" in form.dataset) askBeforeLeaving(form);
  }
}

function sendOnce(form) {
  let timer = 0;
  const release = () => {
    clearTimeout(timer);
    delete form.dataset.busy;
    form.removeAttribute("aria-busy");
  };
  form.addEventListener("submit", (event) => {
    if ("busy" in form.dataset) {
      event.preventDefault();
      return;
    }
    // The button is not disabled: a disabled button's name and value would not be sent.
    form.dataset.busy = "";
    form.setAttribute("aria-busy", "true");
    timer = setTimeout(release, 8000); // an answer that is a download never leaves this page
  });
  window.addEventListener("pageshow", (event) => { if (event.persisted) release(); });
}

function askBeforeLeaving(form) {
  const read = () => {
    const values = [];
    for (const [name, value] of new FormData(form)) {
      values.push(`${name}=${typeof value === "string" ? value : value.name}`);
    }
    return values.join("\n");
  };
  let before = read();
  form.addEventListener("submit", () => { before = null; });
  window.addEventListener("beforeunload", (event) => {
    if (before !== null && read() !== before) event.preventDefault();
  });
}
