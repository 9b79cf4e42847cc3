// A page that shows work in progress looks again by itself, but not from under somebody who reads a detail.
export function reloadWhileWorking(root) {
  const working = root.querySelector("[data-reload]");
  if (!working) return;
  setInterval(() => {
    if (!document.hidden && !root.querySelector("main details[open]")) location.reload();
  }, Number(working.dataset.reload) * 1000);
}
