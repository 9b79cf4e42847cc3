import { said } from "./texts.js";

/**
 * Keys in a grid: the arrows or j and k move from row to row, Space ticks, Enter opens, Home and End lead to
 * the first and last row, and "?" says so. One row is a stop of Tab; without scripts each link is.
 */
const KEYS = [
  [said("↓ or j"), said("Next row")],
  [said("↑ or k"), said("Previous row")],
  [said("Home, End"), said("First and last row")],
  [said("Space"), said("Select the row")],
  [said("Enter"), said("Open the row")],
  ["F2", said("Change the row's first cell; in it, Alt+Enter goes on to the next")],
  ["?", said("Show these keys")],
];
const MOVES = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 };

export function gridKeys(root) {
  for (const form of root.querySelectorAll("form.grid")) connect(root, form);
}

function connect(root, form) {
  const rows = [...form.querySelectorAll("tbody tr")];
  if (!rows.length) return;
  const boxOf = (row) => row.querySelector("input[name=rowid]");
  const linkOf = (row) => row.querySelector("th a[href]:not(.cell-edit)") ?? row.querySelector("a[href]:not(.cell-edit)");

  const rove = (row) => {
    for (const each of rows) each.tabIndex = each === row ? 0 : -1;
  };
  const move = (row) => {
    if (!row) return;
    rove(row);
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  };
  rove(rows[0]);
  form.addEventListener("focusin", (event) => {
    const row = event.target.closest("tbody tr");
    if (row) rove(row);
  });
  form.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    const row = event.target.closest("tbody tr");
    if (!row || isTyping(event.target)) return;
    const here = rows.indexOf(row);
    if (event.key in MOVES) {
      event.preventDefault();
      move(rows[here + MOVES[event.key]]);
    } else if (event.key === "Home" || event.key === "End") {
      event.preventDefault();
      move(event.key === "Home" ? rows[0] : rows.at(-1));
    } else if (event.key === "?") {
      event.preventDefault();
      const none = [boxOf(row) ? "" : said("Space"), linkOf(row) ? "" : said("Enter"), row.querySelector(".cell-edit") ? "" : "F2"];
      explain(root, row, KEYS.filter(([key]) => !none.includes(key)));
    } else if (event.target === row && event.key === " ") {
      event.preventDefault();
      boxOf(row)?.click(); // as by hand, so that the count is told
      row.focus();
    } else if (event.target === row && event.key === "Enter") {
      event.preventDefault();
      linkOf(row)?.click();
    }
  });
}

/** Whether letters belong to the element: a tick box has no use for them. */
function isTyping(element) {
  return element.isContentEditable || element.matches("textarea, select, input:not([type=checkbox])");
}

function explain(root, row, keys) {
  const dialog = root.createElement("dialog");
  dialog.setAttribute("aria-labelledby", "grid-keys-title");
  dialog.className = "grid-keys";
  const title = root.createElement("h2");
  title.id = "grid-keys-title";
  title.textContent = said("Keys in this list");
  const list = root.createElement("dl");
  for (const [key, does] of keys) {
    const term = root.createElement("dt");
    term.textContent = key;
    const says = root.createElement("dd");
    says.textContent = does;
    list.append(term, says);
  }
  const form = root.createElement("form");
  form.method = "dialog";
  const close = root.createElement("button");
  close.className = "btn btn-primary";
  close.textContent = said("Close");
  form.append(close);
  dialog.append(title, list, form);
  dialog.addEventListener("close", () => {
    dialog.remove();
    row.focus();
  });
  root.body.append(dialog);
  dialog.showModal();
}
