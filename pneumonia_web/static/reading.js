// The reader's own reading: a single key presses the control that declares it, and the page announces
// what was saved, or why it was not. Without this script the form still submits.
(() => {
  const OFF = "keys-off";
  const BURST_MS = 50;  // a barcode scanner types faster than any person
  const UNDO_MS = 5000;
  const TYPED = "input:not([type=checkbox], [type=range]), textarea, select, [contenteditable]";

  const explain = (text) => document.querySelector("#reading .problem").replaceChildren(text);

  // What the key presses: a button of the panel that has the focus, or what declares the key.
  const find = ({ key, target }) => {
    if (key === "Enter" || key === " ") return target.closest?.("#reading button");
    if (target.matches?.(TYPED) || localStorage.getItem(OFF)) return null;
    return document.querySelector(`[aria-keyshortcuts="${CSS.escape(key.toUpperCase())}"]`);
  };

  // A key acts only if no other came within BURST_MS before it or after it.
  let [last, waiting] = [-BURST_MS, null];
  document.addEventListener("keydown", (event) => {
    const { key, target, timeStamp } = event;
    if (event.repeat) {
      if (find(event)) event.preventDefault();
      return;
    }
    const burst = timeStamp - last < BURST_MS;
    last = timeStamp;
    clearTimeout(waiting);
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (key === "Enter" && target.id === "note") {
      if (burst) event.preventDefault();
      else if (target.form.querySelector("button[hidden]").disabled) {
        explain(gettext("Choose a reading first; the note is saved with it."));
      }
      return;
    }
    const part = find(event);
    if (!part?.checkVisibility({ visibilityProperty: true })) return;
    event.preventDefault();
    // A sign such as ? may need Shift.
    if (burst || event.shiftKey && key.toUpperCase() !== key.toLowerCase()) return;
    waiting = setTimeout(() => {
      if (part.matches(":disabled")) {
        explain(gettext("Wait until the film is displayed."));
        return;
      }
      part.focus();
      part.click();
    }, BURST_MS);
  });
  // Some browsers press a button when the space bar is released, whatever happened before.
  document.addEventListener("keyup", (event) => {
    if (event.key === " " && find(event)) event.preventDefault();
  });

  // Five seconds, and longer while the pointer or the focus is on it. Withdrawing stays possible.
  const offerUndo = (undo) => {
    undo.hidden = false;
    const end = () => {
      if (undo.matches(":hover, :focus-within")) setTimeout(end, UNDO_MS);
      else undo.remove();
    };
    setTimeout(end, UNDO_MS);
  };

  // Whether the reader saw a result that is withheld; one that was shown once stays known.
  let shown = false;
  const noteWhetherShown = () => {
    const withheld = document.querySelector(".withheld");
    if (!withheld) return;
    shown ||= withheld.open;
    for (const field of document.querySelectorAll("#reading [name=ai]")) field.value = shown ? "shown" : "hidden";
  };
  document.addEventListener("toggle", noteWhetherShown, true);

  const start = () => {
    noteWhetherShown();
    const undo = document.querySelector("#undo[hidden]");
    if (undo) offerUndo(undo);
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

  // How long the reader looked at the film before this answer, for the reader study.
  let displayed = null;
  document.addEventListener("film-displayed", () => { displayed = performance.now(); });
  document.addEventListener("htmx:configRequest", ({ target, detail }) => {
    if (displayed === null || !target.matches("#reading form")) return;
    detail.parameters.seconds = ((performance.now() - displayed) / 1000).toFixed(2);
  });

  document.addEventListener("htmx:beforeRequest", ({ target }) => {
    if (target.matches("#reading form")) explain("");
  });
  const isPanel = (xhr) => xhr.getResponseHeader("Content-Type")?.startsWith("text/html");

  // Someone has read it meanwhile: the answer is the panel with that reading.
  document.addEventListener("htmx:beforeSwap", ({ target, detail }) => {
    if (detail.xhr.status === 409 && target.id === "reading") detail.shouldSwap = isPanel(detail.xhr);
  });
  document.addEventListener("htmx:afterRequest", ({ target, detail: { xhr, successful } }) => {
    if (successful || isPanel(xhr) && xhr.status === 409 || !target.matches("#reading form")) return;
    const sentence = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain") && xhr.responseText;
    const ended = xhr.status === 401 && gettext("Your session has ended; log in again.");
    const busy = xhr.status === 429 && gettext("Your network sent too many requests at once; try again in a moment.");
    const problem = ended || sentence || busy || gettext("The service is not responding; try again in half a minute.");
    explain(gettext("Not saved. %(problem)s", { problem }));
  });
  // In an element that stays: a screen reader does not announce what is swapped in.
  document.addEventListener("htmx:afterSettle", ({ detail: { target, requestConfig } }) => {
    if (requestConfig.verb !== "post" || document.querySelector("#reading .problem").textContent) return;
    const reopened = requestConfig.elt.closest(".reopen") && gettext("The reading is withdrawn.");
    const verdict = document.querySelector("#reading .own .verdict");
    const own = verdict ? gettext("Saved: %(reading)s.", { reading: verdict.textContent.trim().replace(/\s+/g, " ") }) : gettext("Your reading is withdrawn.");
    const saved = reopened || own;
    const undo = document.getElementById("undo") ? gettext("Press Z within five seconds to undo.") : "";
    document.getElementById("saved").textContent = `${saved} ${undo}`.trim();
  });
})();
