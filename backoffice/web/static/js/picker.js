import { said } from "./texts.js";

/**
 * Picking one thing of many: a select and the field that looks for others become one combobox with a list
 * (WAI-ARIA 1.2). The select stays in the form, unseen, and says what is picked; the words never leave the field.
 */
const PAUSE = 150;
const ADDRESS = "/console/pick/";
let made = 0;

export function pickers(root) {
  for (const picker of root.querySelectorAll("[data-picker]")) connect(picker);
}

function connect(picker) {
  const select = picker.querySelector("select");
  const find = picker.querySelector("[data-picker-find]");
  const field = find.querySelector("input");
  const status = picker.querySelector("[data-picker-said]");
  const list = document.createElement("ul");
  const nothing = select.options[0]?.text ?? "";
  let options = [];
  let here = -1;
  let asking = new AbortController();
  let timer = 0;

  made += 1;
  list.id = `picker-${made}`;
  list.className = "picker-list";
  list.setAttribute("role", "listbox");
  list.hidden = true;
  const label = select.labels[0];
  if (label) {
    label.id ||= `${list.id}-label`;
    field.setAttribute("aria-labelledby", label.id);
    list.setAttribute("aria-labelledby", label.id);
    field.removeAttribute("aria-label");
  }
  // What leads to the select, as its label and a summary of errors do, leads to what is seen of it.
  if (select.id) {
    const { id } = select;
    select.removeAttribute("id");
    field.id = id;
  }
  for (const name of ["aria-describedby", "aria-invalid"]) {
    if (select.hasAttribute(name)) field.setAttribute(name, select.getAttribute(name));
  }
  for (const [name, value] of Object.entries({
    type: "text",
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": list.id,
    placeholder: nothing,
  })) field.setAttribute(name, value);
  field.removeAttribute("name");
  find.querySelector("button").remove();
  find.append(list);
  select.hidden = true;
  select.tabIndex = -1;
  status.classList.add("visually-hidden");
  status.textContent = "";

  const chosen = () => (select.value ? select.selectedOptions[0].text : "");
  const point = (index) => {
    options[here]?.setAttribute("aria-selected", "false");
    here = options.length ? (index + options.length) % options.length : -1;
    const option = options[here];
    if (!option) return field.removeAttribute("aria-activedescendant");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    return field.setAttribute("aria-activedescendant", option.id);
  };
  const close = () => {
    clearTimeout(timer);
    asking.abort();
    list.hidden = true;
    list.replaceChildren();
    options = [];
    here = -1;
    field.removeAttribute("aria-activedescendant");
    field.setAttribute("aria-expanded", "false");
  };
  const pick = (value, text) => {
    let option = [...select.options].find((each) => each.value === value);
    if (!option) {
      option = new Option(text, value);
      select.append(option);
    }
    select.value = value;
    field.value = chosen();
    close();
    status.textContent = value ? said("{name} is chosen.").replace("{name}", () => text) : "";
    select.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const show = (answer) => {
    options = answer.options.map((each, index) => {
      const option = document.createElement("li");
      option.id = `${list.id}-${index}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.dataset.value = each.value;
      option.dataset.text = each.hint ? `${each.name}, ${each.hint}` : each.name;
      option.append(each.name);
      if (each.hint) {
        const hint = document.createElement("span");
        hint.className = "quiet";
        hint.append(each.hint);
        option.append(" ", hint);
      }
      return option;
    });
    const note = document.createElement("li");
    note.className = "quiet picker-note";
    note.setAttribute("role", "presentation");
    note.append(answer.said);
    list.replaceChildren(...options, note);
    list.hidden = false;
    here = -1;
    field.setAttribute("aria-expanded", "true");
    field.removeAttribute("aria-activedescendant");
    status.textContent = answer.said;
  };
  const look = async () => {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const body = new FormData();
    body.set("csrf_token", select.form.elements.csrf_token.value);
    body.set("relation", picker.dataset.picker);
    if (picker.dataset.within) body.set("within", picker.dataset.within);
    // As long as the field says what is picked, it asks for all.
    body.set("q", field.value === chosen() ? "" : field.value);
    let found = { options: [], said: said("Nothing can be found at this moment. Try again.") };
    try {
      const answer = await fetch(ADDRESS, { method: "POST", body, signal, credentials: "same-origin" });
      if (answer.redirected || [400, 401].includes(answer.status)) {
        found.said = said("You are signed out. Sign in in another tab, then try again.");
      } else if (answer.ok || answer.status === 429) found = await answer.json();
    } catch {
      // No answer, or none that can be read.
    }
    // Said in the list, for whoever sees it, and by the status for whoever hears it.
    if (!signal.aborted) show(found);
  };

  field.value = chosen();
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  });
  field.addEventListener("click", () => { if (list.hidden) look(); });
  field.addEventListener("focus", () => field.select());
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const open = !list.hidden;
    switch (event.key) {
      case "ArrowDown":
      case "ArrowUp":
        event.preventDefault();
        if (!open) look();
        else point(event.key === "ArrowDown" ? here + 1 : (here < 0 ? options.length : here) - 1);
        break;
      case "Enter":
        if (open && options[here]) {
          event.preventDefault();
          pick(options[here].dataset.value, options[here].dataset.text);
        } else if (open || field.value !== chosen()) {
          // Words that are still being looked for send no form.
          event.preventDefault();
          if (!field.value.trim()) pick("", nothing);
          else if (!open) look();
        }
        break;
      case "Escape":
        if (!open && field.value === chosen()) return;
        event.preventDefault();
        event.stopPropagation();
        field.value = chosen();
        close();
        break;
      default:
    }
  });
  field.addEventListener("blur", () => {
    // Emptied, nothing is picked; words that nothing was picked by go.
    if (!field.value.trim() && select.value) pick("", nothing);
    field.value = chosen();
    close();
  });
  list.addEventListener("pointerdown", (event) => event.preventDefault()); // the field keeps the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) pick(option.dataset.value, option.dataset.text);
  });
  select.form.addEventListener("reset", () => setTimeout(() => { field.value = chosen(); }));
}
