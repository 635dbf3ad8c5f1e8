// Keeps a note that was typed and not saved while the page is loaded again, as after the end of the
// session. It stays in this tab alone, under the reader's name, until it is saved or they log out.
(() => {
  const PREFIX = "note:";
  const start = () => {
    const note = document.getElementById("note");
    if (!note) return;
    const name = PREFIX + note.dataset.draft;
    const typed = sessionStorage.getItem(name);
    if (typed !== null) note.value = typed;
    note.oninput = () => {
      if (note.value === note.defaultValue) sessionStorage.removeItem(name);
      else sessionStorage.setItem(name, note.value);
    };
  };
  start();
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    // The answer to a reading has the note as it was saved, or as it was typed.
    if (detail.requestConfig.verb !== "post" || !detail.shouldSwap) return;
    const note = document.getElementById("note");
    if (note) sessionStorage.removeItem(PREFIX + note.dataset.draft);
  });
  document.addEventListener("htmx:load", start);
  document.addEventListener("submit", ({ target }) => {
    if (!target.action.endsWith("/logout")) return;
    for (const name of Object.keys(sessionStorage)) if (name.startsWith(PREFIX)) sessionStorage.removeItem(name);
  });
})();
