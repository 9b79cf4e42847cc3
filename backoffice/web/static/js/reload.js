import { isChanged } from "./changed.js";

/**
 * A page that shows work in progress looks again by itself, but not from under somebody who is at work on it:
 * who reads a detail, has something open or filled in, or stands somewhere with the keyboard.
 *
 * Looking counts as being there. A page that says for how many seconds it does so ends by itself, and its "Look again"
 * begins anew. When it began goes from one look to the next with the tab's own step, and no further.
 */
export function reloadWhileWorking(root) {
  const working = root.querySelector("[data-reload]");
  if (!working) return;
  const begun = history.state?.looksSince ?? Date.now();
  if (history.state?.looksSince) history.replaceState(null, "");
  const until = working.dataset.reloadFor ? begun + Number(working.dataset.reloadFor) * 1000 : Infinity;
  const timer = setInterval(() => {
    if (Date.now() >= until) clearInterval(timer);
    else if (!root.hidden && !isAttended(root)) {
      history.replaceState({ looksSince: begun }, "");
      location.reload();
    }
  }, Number(working.dataset.reload) * 1000);
}

function isAttended(root) {
  const here = root.activeElement;
  return (here && here !== root.body && here.localName !== "main")
    || root.querySelector("dialog[open], main details[open]") !== null
    || [...root.forms].some((form) => [...form.elements].some(isChanged));
}
