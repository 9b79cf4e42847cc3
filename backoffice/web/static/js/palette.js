import { said } from "./texts.js";

/**
 * The command palette: Ctrl-K or Cmd-K brings up what is found by typing. A single letter would do so for whoever
 * dictates, too (WCAG 2.1.4).
 *
 * The server makes form and results, the same as at /console/find/; this gives them the behaviour of a
 * combobox with a list. Words travel in a form and nothing is kept: closing takes the dialog away.
 */
const PAUSE = 120;
const FOLLOWED = "followed";

export function palette(root) {
  const opener = root.querySelector("a[data-palette]");
  if (!opener || !("showModal" in HTMLDialogElement.prototype)) return;
  let open = false;

  const bringUp = async () => {
    if (open) return;
    open = true;
    const typed = typedMeanwhile(root);
    try {
      await show(root, opener.href, typed, () => { open = false; });
    } catch {
      location.href = opener.href;
    }
  };
  opener.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    bringUp();
  });
  root.addEventListener("keydown", (event) => {
    const chord = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    const named = chord && event.key.toLowerCase() === "k";
    if (event.isComposing || !named) return;
    if (root.querySelector("dialog[open]")) return;
    event.preventDefault();
    bringUp();
  });
}

/** Letters that are typed before there is a field for them, for hands that are faster than the line. */
function typedMeanwhile(root) {
  let letters = "";
  const keep = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Backspace") letters = letters.slice(0, -1);
    else if (event.key.length === 1) letters += event.key;
    else return;
    event.preventDefault();
  };
  root.addEventListener("keydown", keep, true);
  return () => {
    root.removeEventListener("keydown", keep, true);
    return letters;
  };
}

async function ask(address, body, signal) {
  const answer = await fetch(address, { method: body ? "POST" : "GET", body, signal, credentials: "same-origin" });
  // A session that is over leads to its page. Who searched too often is told so in the part itself.
  if (answer.redirected || !(answer.ok || answer.status === 429)) throw new Error("no part");
  return answer.text();
}

async function show(root, address, typed, closed) {
  const before = root.activeElement;
  const dialog = root.createElement("dialog");
  dialog.className = "palette";
  dialog.setAttribute("aria-label", said("Find"));
  try {
    dialog.innerHTML = await ask(`${address}?part=1`);
  } catch (error) {
    typed();
    throw error;
  }
  const status = root.createElement("p");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  dialog.append(status);
  root.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    closed();
    // A link within the page has its own place to go on from.
    if (dialog.returnValue !== FOLLOWED) before?.focus?.();
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  connect(dialog, address, status);
  dialog.showModal();
  const field = dialog.querySelector("input[name=q]");
  field.focus();
  field.value = typed();
  if (field.value) field.dispatchEvent(new Event("input"));
}

function connect(dialog, address, status) {
  const form = dialog.querySelector("form");
  const field = form.elements.q;
  const results = dialog.querySelector("[data-results]");
  let options = [];
  let here = -1;
  let asking = new AbortController();
  let timer = 0;
  let behind = false; // whether the words in the field are newer than the results

  const point = (index) => {
    options[here]?.setAttribute("aria-selected", "false");
    here = index;
    const option = options[here];
    if (!option) {
      field.removeAttribute("aria-activedescendant");
      return;
    }
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    field.setAttribute("aria-activedescendant", option.id);
  };
  const dress = () => {
    options = [...results.querySelectorAll("a")];
    if (options.length) results.setAttribute("role", "listbox");
    else results.removeAttribute("role");
    for (const group of results.querySelectorAll("section")) group.setAttribute("role", "group");
    for (const plain of results.querySelectorAll("h2")) plain.setAttribute("aria-hidden", "true");
    const more = [...results.querySelectorAll("[data-more]")];
    for (const plain of [...results.querySelectorAll("ul, li"), ...more]) plain.setAttribute("role", "presentation");
    options.forEach((option, index) => {
      option.id = `find-${index}`;
      option.tabIndex = -1;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
    });
    here = -1;
    field.setAttribute("aria-expanded", String(options.length > 0));
    point(options.length ? 0 : -1);
    const count = options.length === 1 ? said("1 result") : said("{count} results").replace("{count}", options.length);
    status.textContent = more.length ? `${count}. ${more[0].textContent}` : count;
  };
  const look = async () => {
    asking.abort();
    asking = new AbortController();
    const { signal } = asking;
    const body = new FormData(form);
    body.set("part", "1");
    let text;
    try {
      text = await ask(address, body, signal);
    } catch {
      if (!signal.aborted) location.href = address;
      return;
    }
    if (signal.aborted) return; // overtaken by a later word, or closed
    const made = new DOMParser().parseFromString(text, "text/html");
    results.replaceChildren(...made.querySelector("[data-results]").childNodes);
    behind = false;
    dress();
  };

  dialog.addEventListener("close", () => {
    clearTimeout(timer);
    asking.abort();
  });
  results.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (link?.hash && link.pathname === location.pathname && link.search === location.search) dialog.close(FOLLOWED);
  });
  results.setAttribute("aria-label", said("Results"));
  for (const [name, value] of Object.entries({
    role: "combobox",
    "aria-autocomplete": "list",
    "aria-controls": results.id,
  })) field.setAttribute(name, value);
  field.addEventListener("input", () => {
    behind = true;
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  });
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    clearTimeout(timer);
    // Enter is meant for what was typed, not for what was found before.
    if (behind) await look();
    if (!behind) options[here]?.click();
  });
  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      // A search field would only be emptied.
      event.preventDefault();
      dialog.close();
      return;
    }
    const last = options.length - 1;
    const moves = {
      ArrowDown: here >= last ? 0 : here + 1,
      ArrowUp: here <= 0 ? last : here - 1,
      Home: 0,
      End: last,
      PageDown: Math.min(here + 8, last),
      PageUp: Math.max(here - 8, 0),
    };
    if (!(event.key in moves) || event.shiftKey || event.ctrlKey || event.metaKey || last < 0) return;
    event.preventDefault();
    point(moves[event.key]);
  });
  dress();
}
