// The worklist while it is open: a chosen filter applies at once, and what others do to the list never
// moves the row under the pointer or the focus. Without this script the form has a button, and the
// page shows what it had when it was loaded.
(() => {
  const TYPING_MS = 300;
  const section = document.getElementById("worklist");
  const rows = () => document.getElementById("rows");

  // An empty field is no condition, and has no place in an address.
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.elt.id !== "filters") return;
    for (const [name, value] of [...detail.formData.entries()]) if (!value) detail.formData.delete(name);
  });

  let typing = null;
  const apply = (form) => {
    clearTimeout(typing);
    form.requestSubmit();
  };
  section.addEventListener("change", ({ target }) => {
    if (target.matches("#filters select")) apply(target.form);
  });
  section.addEventListener("input", ({ target }) => {
    if (target.id !== "q") return;
    clearTimeout(typing);
    typing = setTimeout(apply, TYPING_MS, target.form);
  });
})();
