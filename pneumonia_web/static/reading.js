// The reader's own reading: single keys press the part that names them, and what was saved, or why
// it was not, is said. Without this script the form sends it all the same.
(() => {
  const OFF = "keys-off";
  const TYPED = "input:not([type=checkbox], [type=range]), textarea, select, [contenteditable]";

  const explain = (form, text) => form.querySelector(".problem").replaceChildren(text);

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (key === "Enter" && target.id === "note" && target.form.querySelector("button[hidden]").disabled) {
      explain(target.form, "Choose an answer first; the note goes with it.");
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
    if (target.matches?.(TYPED) || localStorage.getItem(OFF)) return;
    const part = document.querySelector(`[aria-keyshortcuts="${CSS.escape(key.toUpperCase())}"]`);
    if (!part) return;
    event.preventDefault();
    part.focus();
    part.click();
  });

  const start = () => {
    const keys = document.getElementById("keys");
    if (!keys) return;
    keys.parentElement.hidden = false;
    keys.checked = !localStorage.getItem(OFF);
    // For who speaks to the computer: a word must not become an answer. Once for all pages.
    keys.onchange = () => {
      if (keys.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    };
  };
  start();
  document.addEventListener("htmx:load", start);

  document.addEventListener("htmx:beforeRequest", ({ target }) => {
    if (target.matches("#reading form")) explain(target, "");
  });
  document.addEventListener("htmx:afterRequest", ({ target, detail: { xhr, successful } }) => {
    if (successful || !target.matches("#reading form")) return;
    const told = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain") && xhr.responseText;
    const ended = xhr.status === 401 && "Your session has ended; log in again.";
    const busy = xhr.status === 429 && "Many requests came from your network at once; try again in a moment.";
    explain(target, `Not saved. ${ended || told || busy || "The service does not answer; try again in half a minute."}`);
  });
  // In a place that stays: what is swapped in is not read out.
  document.addEventListener("htmx:afterSettle", ({ detail: { target } }) => {
    const verdict = target.id === "reading" && document.querySelector("#reading .verdict");
    if (verdict) document.getElementById("told").textContent = `Saved: ${verdict.innerText.trim()}.`;
  });
})();
