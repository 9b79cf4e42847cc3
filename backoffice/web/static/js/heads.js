/**
 * Heads of columns that stay in sight while a long list is scrolled. A box that scrolls sideways keeps its
 * head to itself, so only tables that fit have it; which do is looked at anew whenever the window changes.
 */
export function headsInSight(root) {
  const fits = new ResizeObserver((entries) => {
    for (const { target } of entries) target.classList.toggle("is-whole", target.scrollWidth <= target.clientWidth);
  });
  for (const box of root.querySelectorAll(".grid .grid-scroll")) fits.observe(box);
}
