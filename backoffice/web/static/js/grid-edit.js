/**
 * Cells changed where they stand: the form behind a pencil, fetched and sent in place.
 *
 * F2 on a row changes its first cell, Enter on a pencil that one; Enter saves, Alt+Enter saves and goes on to
 * the next cell, Escape leaves; Tab goes through the form. "Saved" is said when the server has said so. Without scripts the pencil leads to
 * the same form on a page of its own.
 */
import { isChanged } from "./changed.js";
import { said } from "./texts.js";

const PATIENCE = 15000;
const SAY_AFTER = 700;
const LOST = said("No answer came, so this may not be saved. What you typed is still here: save it again.");
const UNREACHED = said("No answer came. Check the connection, then try again.");
const GONE = said("This is gone, or not yours to change any more. Nothing was saved. Copy what you typed if you need it.");
const OUT = said("You are signed out, and nothing was saved. Sign in in another tab, then save again.");
const OFTEN = said("Too many tries. Wait a minute, then save again.");
const FAILED = said("Something went wrong, so this may not be saved. What you typed is still here: save it again.");

export function gridEdit(root) {
  for (const form of root.querySelectorAll("form.grid")) {
    if (form.querySelector(".cell-edit")) connect(root, form);
  }
}

function connect(root, form) {
  const status = root.createElement("p");
  status.className = "visually-hidden";
  status.setAttribute("role", "status");
  form.after(status);
  const pencils = [...form.querySelectorAll(".cell-edit")];
  const open = (pencil, opener) => edit(root, { pencil, pencils, opener, status });
  form.addEventListener("click", (event) => {
    const pencil = event.target.closest(".cell-edit");
    // With a key held the browser opens a window of its own, as for any link.
    if (!pencil || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    open(pencil, pencil);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "F2" || event.ctrlKey || event.metaKey || event.altKey) return;
    const within = event.target.closest("tbody :is(td, th)")?.querySelector(".cell-edit");
    const pencil = within ?? event.target.closest("tbody tr")?.querySelector(".cell-edit");
    if (!pencil) return;
    event.preventDefault();
    open(pencil, within ?? event.target.closest("tr"));
  });
}

/** The answer's part, or the sentence that says why there is none. */
async function ask(address, body) {
  let answer;
  try {
    answer = await fetch(address, {
      method: body ? "POST" : "GET",
      body,
      credentials: "same-origin",
      signal: AbortSignal.timeout(PATIENCE),
    });
    const part = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (answer.redirected || [400, 401].includes(answer.status)) return { problem: OUT };
    const saved = answer.ok && part.querySelector("[data-saved] .cell-value");
    if (saved) return { saved };
    // Anything else with the form in it is the form: to begin with, refused, or somebody was quicker.
    if (part.querySelector(".cell-form") && !part.querySelector("main")) {
      return { nodes: [...part.body.childNodes], overtaken: answer.status === 409 };
    }
  } catch {
    return { problem: LOST };
  }
  if (answer.status === 429) return { problem: OFTEN };
  return { problem: answer.status >= 500 ? FAILED : GONE };
}

async function edit(root, { pencil, pencils, opener, status, told = "" }) {
  // One at a time: on a slow line a second pencil may be pressed before the first one's form is there.
  if (root.querySelector("dialog[open]") || pencils.some((each) => "busy" in each.dataset)) return;
  const cell = pencil.closest("td, th");
  const holder = cell.querySelector("a:not(.cell-edit), .cell-value");
  const address = `${pencil.href}${pencil.search ? "&" : "?"}part=1`;
  pencil.dataset.busy = "";
  const begun = await ask(address);
  delete pencil.dataset.busy;
  const dialog = root.createElement("dialog");
  dialog.className = "cell-editor";
  const row = pencil.closest("tr").querySelector("th")?.textContent.trim();
  dialog.setAttribute("aria-label", [pencil.getAttribute("aria-label"), row].filter(Boolean).join(": "));
  const place = root.createElement("div");
  const hint = root.createElement("p");
  hint.id = "cell-keys";
  hint.className = "cell-keys";
  hint.textContent = said("Enter saves, Alt+Enter saves and goes on, Escape leaves.");
  // What is said beside a dialog is heard by nobody while it is open.
  const within = status.cloneNode();
  dialog.append(place, hint, within);
  dialog.setAttribute("aria-describedby", hint.id);
  root.body.append(dialog);
  let busy = false;
  let after = opener;
  const title = root.createElement("h2");
  title.className = "cell-title";
  title.textContent = dialog.getAttribute("aria-label");
  dialog.prepend(title);

  const fill = ({ nodes, overtaken }) => {
    place.replaceChildren(...nodes.map((node) => root.importNode(node, true)));
    dialog.dataset.state = overtaken ? "overtaken" : place.querySelector("[role=alert]") ? "refused" : "";
    // What is wrong with one field stands beside it; the summary of a page's form would say it twice.
    const start = place.querySelector("[aria-invalid]") ?? place.querySelector("[role=alert]") ?? place.querySelector(".field :is(input, select, textarea)");
    start?.focus();
    start?.select?.();
  };
  const tell = (sentence) => {
    place.querySelector("[data-failed]")?.remove();
    const notice = root.createElement("div");
    notice.className = "notice notice-bad";
    notice.dataset.failed = "";
    notice.setAttribute("role", "alert");
    const words = root.createElement("p");
    words.textContent = sentence;
    notice.append(words);
    place.prepend(notice);
  };
  const changed = () => [...place.querySelectorAll(".field :is(input, select, textarea)")].some(isChanged);
  const show = (value) => {
    holder.replaceChildren(...[...value.childNodes].map((node) => root.importNode(node, true)));
  };
  const save = async (next) => {
    if (busy) return;
    busy = true;
    dialog.setAttribute("aria-busy", "true");
    const waits = setTimeout(() => { within.textContent = said("One moment, please."); }, SAY_AFTER);
    const sent = place.querySelector("form");
    const answer = await ask(address, new FormData(sent));
    clearTimeout(waits);
    within.textContent = "";
    dialog.removeAttribute("aria-busy");
    busy = false;
    if (!dialog.open) return;
    if (answer.saved) {
      show(answer.saved);
      cell.dataset.saved = said("Saved.").replace(/\.$/, "");
      cell.classList.add("is-saved");
      setTimeout(() => cell.classList.remove("is-saved"), 2500);
      leave(next, said("Saved."));
    } else if (answer.nodes) fill(answer);
    else tell(answer.problem);
  };
  const leave = (next, words = "") => {
    after = next ?? opener;
    dialog.close();
    status.textContent = words;
    if (next) edit(root, { pencil: next, pencils, opener: next, status, told: words });
  };

  dialog.addEventListener("submit", (event) => {
    event.preventDefault();
    save();
  });
  dialog.addEventListener("click", (event) => {
    // Beside it, with nothing written, is as Escape.
    if (event.target === dialog && !changed() && !busy) leave();
    if (busy || !event.target.closest("[data-leave]")) return;
    event.preventDefault();
    const now = place.querySelector("[data-now] .cell-value");
    if (now) show(now);
    leave();
  });
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.altKey || event.isComposing || busy || !place.querySelector("form")) return;
    const next = pencils[pencils.indexOf(pencil) + 1];
    event.preventDefault();
    // What came back, refused or overtaken, is not saved though the page came with it.
    if (changed() || dialog.dataset.state) save(next);
    else leave(next);
  });
  dialog.addEventListener("cancel", (event) => {
    if (busy) event.preventDefault();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    after?.focus();
  });
  status.textContent = "";
  dialog.showModal();
  if (begun.nodes) {
    fill(begun);
    within.textContent = told;
  } else {
    dialog.removeAttribute("aria-describedby");
    tell([LOST, FAILED].includes(begun.problem) ? UNREACHED : begun.problem);
    hint.replaceChildren(close(root));
  }
  put(dialog, cell);
}

function close(root) {
  const button = root.createElement("button");
  button.type = "button";
  button.className = "btn btn-plain";
  button.dataset.leave = "";
  button.textContent = said("Close");
  return button;
}

/** Over the cell, within the window; on a telephone the style puts it. */
function put(dialog, cell) {
  const at = cell.getBoundingClientRect();
  const most = { left: innerWidth - dialog.offsetWidth - 8, top: innerHeight - dialog.offsetHeight - 8 };
  dialog.style.left = `${Math.max(8, Math.min(at.left, most.left))}px`;
  dialog.style.top = `${Math.max(8, Math.min(at.top, most.top))}px`;
}
