// The page of a large change looks again by itself while it is under way. What is new is said once.
const PAUSE = 1000;
// Looking counts as being there: a page that nobody attends must not keep its session from ending.
const LONGEST = 3 * 60 * 1000;

export function followChange(root) {
  const part = root.querySelector("[data-follow]");
  const status = root.querySelector("[data-follow-said]");
  if (!part?.querySelector("[data-under-way]")) return;

  const until = Date.now() + LONGEST;

  const look = async () => {
    if (!root.hidden) {
      let text;
      try {
        const answer = await fetch(part.dataset.follow, { credentials: "same-origin" });
        if (answer.redirected || !answer.ok) throw new Error("no part");
        text = await answer.text();
      } catch {
        return; // "Look again" is still there
      }
      show(part, status, text);
    }
    if (part.querySelector("[data-under-way]") && Date.now() < until) setTimeout(look, PAUSE);
  };
  setTimeout(look, PAUSE);
}

function show(part, status, text) {
  const made = new DOMParser().parseFromString(text, "text/html").querySelector("[data-change]");
  const said = (element) => element.querySelector("[data-said]")?.textContent.trim();
  if (!made || said(made) === said(part)) return;
  const inside = part.contains(part.ownerDocument.activeElement);
  part.replaceChildren(made);
  status.textContent = said(made);
  // What it is called may have been found out since the page was read.
  const heading = part.ownerDocument.querySelector("h1");
  if (heading && made.dataset.heading) heading.textContent = made.dataset.heading;
  if (inside) part.querySelector("a, button")?.focus();
}
