// A page that shows work in progress looks again by itself.
export function reloadWhileWorking(root) {
  const working = root.querySelector("[data-reload]");
  if (working) setTimeout(() => location.reload(), Number(working.dataset.reload) * 1000);
}
