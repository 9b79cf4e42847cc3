/** Whether a field holds something else than its page came with. */
export function isChanged(field) {
  if (field.type === "hidden" || field.disabled) return false;
  if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
  if (field.type === "file") return field.files.length > 0;
  if (field.options) {
    const options = [...field.options];
    // Where none is marked, a select begins with its first.
    const marked = field.multiple || options.some((each) => each.defaultSelected);
    return options.some((each, at) => each.selected !== (marked ? each.defaultSelected : at === 0));
  }
  return "defaultValue" in field && field.value !== field.defaultValue;
}
