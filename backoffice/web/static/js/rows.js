import { said } from "./texts.js";

/**
 * Rows of a grid that can be selected: a box in the head for all rows of the page, a range with
 * Shift, and the number of selected rows by the buttons. Without it each row is ticked by hand.
 */
export function selectableRows(root) {
  for (const form of root.querySelectorAll("form[data-rows]")) connect(form);
}

/** A button that does something with what is chosen in a select says what that is. */
export function saysWhatIsChosen(root) {
  for (const button of root.querySelectorAll("button[data-chosen-says]")) {
    const select = button.form.elements[button.dataset.chosenIn];
    const before = button.textContent;
    const tell = () => {
      const name = select.value ? select.selectedOptions[0].text : "";
      button.textContent = name ? button.dataset.chosenSays.replace("{name}", () => name) : before;
    };
    select.addEventListener("change", tell);
    tell();
  }
}

function connect(form) {
  const boxes = [...form.querySelectorAll("input[name=rowid]")];
  const all = form.querySelector("input[data-all]");
  const count = form.querySelector("[data-count]");
  const whole = form.querySelector("input[name=whole]");
  if (!boxes.length) return;
  let last = -1;

  const tell = () => {
    const ticked = boxes.filter((box) => box.checked).length;
    if (count) count.textContent = whole?.checked ? whole.dataset.says : ticked === 1 ? said("1 selected") : said("{count} selected").replace("{count}", ticked);
    if (!all) return;
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  };

  if (all) {
    all.hidden = false;
    all.addEventListener("change", () => {
      for (const box of boxes) box.checked = all.checked;
      tell();
    });
  }
  form.addEventListener("click", (event) => {
    const here = boxes.indexOf(event.target);
    if (here < 0) return;
    if (event.shiftKey && last >= 0) {
      const [from, to] = here < last ? [here, last] : [last, here];
      for (const box of boxes.slice(from, to + 1)) box.checked = event.target.checked;
    }
    last = here;
    tell();
  });
  whole?.addEventListener("change", tell);
  form.addEventListener("reset", () => setTimeout(tell));
  tell(); // a page from the back button comes with its ticks
}
