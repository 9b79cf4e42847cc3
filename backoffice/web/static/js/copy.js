import { said } from "./texts.js";

/**
 * Reveals every `<button data-copy="text" hidden>` where the browser lets a page write to the
 * clipboard, and says "Copied" in the button (which is a live region) for two seconds.
 */
export function copyButtons(root) {
  if (!navigator.clipboard) return; // plain http on a foreign host: the text can still be marked
  for (const button of root.querySelectorAll("button[data-copy]")) {
    const label = button.querySelector("[data-copy-label]") ?? button;
    const before = label.textContent;
    let timer = 0;
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(button.dataset.copy);
        label.textContent = said("Copied");
      } catch {
        label.textContent = said("Mark it and copy it");
      }
      clearTimeout(timer);
      timer = setTimeout(() => { label.textContent = before; }, 2000);
    });
  }
}
