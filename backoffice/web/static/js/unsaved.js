/**
 * Asks before words are lost: whoever leaves a page with something typed and not sent is asked by the browser,
 * whatever leads away, a link, the back button or closing the tab.
 *
 * It watches each form of the console that posts and has room for words, but searches and the ticks of lists, and
 * any form marked `data-guard`; a field marked `data-unguarded` does not count. What came back with an error was
 * typed and is not saved either (`data-unsaved`). Nothing is asked where nothing is changed.
 */
import { isChanged } from "./changed.js";

const WORDS = "textarea, input:is([type=text], [type=email], [type=url], [type=tel], [type=number], :not([type]))";

export function guardUnsaved(root) {
  const sent = new Set();
  const before = root.querySelector("[data-unsaved]");
  const lost = (form) => isTyped(form) || (before !== null && isAfter(before, form));
  root.addEventListener("submit", (event) => { if (!event.defaultPrevented) sent.add(event.target); });
  const ask = (event) => {
    // What is on its way is not lost; what another form of the page holds is.
    const any = [...root.querySelectorAll("form")].some((form) => isGuarded(form) && !sent.has(form) && lost(form));
    sent.clear(); // whoever stays has sent nothing, and a download leaves the page as it is
    if (any) event.preventDefault();
  };
  // Only once there may be something to lose: a page that listens may not be kept for the back button.
  const listen = () => window.addEventListener("beforeunload", ask);
  root.addEventListener("input", listen);
  root.addEventListener("change", listen);
  if (before) listen();
  window.addEventListener("pageshow", () => {
    // Browsers bring typed words back after "back", and tell nobody.
    if ([...root.querySelectorAll("form")].some((form) => isGuarded(form) && isTyped(form))) listen();
  });
}

function isGuarded(form) {
  if ("guard" in form.dataset) return true;
  return form.method === "post" && form.getAttribute("role") !== "search" && form.matches(".shell main form:not(.grid)")
    && !form.closest(".grid-tools") && [...form.querySelectorAll(WORDS)].some(counts);
}

function isTyped(form) {
  return [...form.elements].some((field) => counts(field) && isChanged(field));
}

function counts(field) {
  return field.name && !("unguarded" in field.dataset);
}

/** Whether the form is the one that a summary of errors above it is about. */
function isAfter(summary, form) {
  return summary.compareDocumentPosition(form) === Node.DOCUMENT_POSITION_FOLLOWING
    && form === [...form.ownerDocument.querySelectorAll("main form")].find(
      (each) => summary.compareDocumentPosition(each) === Node.DOCUMENT_POSITION_FOLLOWING && isGuarded(each),
    );
}
