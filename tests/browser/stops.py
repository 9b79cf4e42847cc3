"""Where the Tab key stops on a page: everywhere that there is something to do, and always to be seen."""

from playwright.sync_api import Page

MOST_STOPS = 400

# What a mouse could use. Of a group of round buttons the chosen one stands for all (they are moved through
# with arrows), as one row does for a list whose others have a tabindex of -1.
_EXPECTED = """() => {
  let number = 0;
  for (const it of document.querySelectorAll(
    "a[href], button, summary, input:not([type=hidden]), select, textarea, [tabindex='0']")) {
    if (it.disabled || it.tabIndex < 0 || !it.checkVisibility({visibilityProperty: true})) continue;
    if (it.type === "radio" && document.querySelector(
      `[name="${it.name}"]:checked`) && !it.checked) continue;
    if (it.type === "radio" && !it.checked && it.form?.elements[it.name]?.[0] !== it) continue;
    it.dataset.stop = number++;
  }
  document.activeElement?.blur();
  return number;
}"""
_STOP = """() => {
  const it = document.activeElement;
  if (!it || it === document.body) return null;
  const name = it.getAttribute("aria-label") ?? it.labels?.[0]?.innerText ?? it.innerText ?? it.name;
  const seen = [null, "::after"].some((part) => {
    const style = getComputedStyle(it, part);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
  });
  const box = it.getBoundingClientRect();
  const there = box.bottom > 0 && box.top < innerHeight && box.width > 0;
  return [it.dataset.stop ?? null, `${it.tagName.toLowerCase()} ${name.trim().slice(0, 40)}`, seen, there];
}"""
_NAMES = """(numbers) => numbers.map((number) => {
  const it = document.querySelector(`[data-stop="${number}"]`);
  const name = (it.getAttribute("aria-label") ?? it.innerText ?? "").trim().slice(0, 40);
  return `${it.tagName.toLowerCase()} ${name}`;
})"""


def complaints_of_keys(page: Page) -> list[str]:
    """What somebody without a mouse would complain about: not reached, reached unseen, or never left."""
    expected = page.evaluate(_EXPECTED)
    met: dict[str, str] = {}
    seen: set[str] = set()
    last = None
    for _ in range(min(4 * expected + 10, MOST_STOPS)):
        page.keyboard.press("Tab")
        stop = page.evaluate(_STOP)
        if stop is None:  # past the last stop, on the way to the first: a page may have begun in its middle
            continue
        number, name, outlined, there = stop
        if number in met and (number != last or len(met) == expected):
            break
        last, met[number] = number, name
        if outlined and there:
            seen.add(number)  # a date or time has several stops of its own
    else:
        return [f"never left after {len(met)} of {expected} stops"]
    missed = [str(number) for number in range(expected) if str(number) not in met]
    names: list[str] = page.evaluate(_NAMES, missed)
    return [f"unseen: {met[number]}" for number in met.keys() - seen] + [
        f"not reached: {name}" for name in names
    ]
