// The reader's own reading: a single key presses the control that declares it, and the page announces
// what was saved, or why it was not. Without this script the form still submits.
(() => {
  const OFF = "keys-off";
  const TYPED = "input:not([type=checkbox], [type=range]), textarea, select, [contenteditable]";

  const explain = (form, text) => form.querySelector(".problem").replaceChildren(text);

  document.addEventListener("keydown", (event) => {
    const { key, target } = event;
    if (key === "Enter" && target.id === "note" && target.form.querySelector("button[hidden]").disabled) {
      explain(target.form, "Choose a reading first; the note is saved with it.");
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
    // For speech input, where a dictated word must not become a reading. Applies to all pages.
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
    const sentence = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain") && xhr.responseText;
    const ended = xhr.status === 401 && "Your session has ended; log in again.";
    const busy = xhr.status === 429 && "Your network sent too many requests at once; try again in a moment.";
    explain(target, `Not saved. ${ended || sentence || busy || "The service is not responding; try again in half a minute."}`);
  });
  // In an element that stays: a screen reader does not announce what is swapped in.
  document.addEventListener("htmx:afterSettle", ({ detail: { target } }) => {
    const verdict = target.id === "reading" && document.querySelector("#reading .verdict");
    if (verdict) document.getElementById("saved").textContent = `Saved: ${verdict.innerText.trim()}.`;
  });
})();
