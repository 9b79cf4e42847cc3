/** A text in the language of the page, which brings it; the scripts themselves are English. */
export function said(text) {
  const brought = document.querySelector("meta[name=texts]");
  return (brought && JSON.parse(brought.content)[text]) || text;
}
