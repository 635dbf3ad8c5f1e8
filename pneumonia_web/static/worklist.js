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

  // A list in use changes inside its rows only: what is new waits behind a button, and what has left
  // the list stays, faded. It is in use under the pointer or the focus, and while it is scrolled.
  let waiting = null;  // the newest answer that was not shown
  const isUsed = () => rows().matches(":hover, :focus-within") || rows().getBoundingClientRect().top < 0;
  const idsIn = (part) => [...part.querySelectorAll("tr[data-id]")].map((row) => row.dataset.id);

  // What the server sent of a row, without the times that the page writes in its own way.
  const strip = (row) => {
    const copy = row.cloneNode(true);
    for (const time of copy.querySelectorAll("time, .age")) time.textContent = "";
    return copy.innerHTML;
  };
  const update = (row, sent) => {
    if (strip(row) === strip(sent)) return;
    const focused = row.contains(document.activeElement) && document.activeElement.id;
    row.replaceChildren(...sent.cloneNode(true).children);
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
    row.dispatchEvent(new CustomEvent("htmx:load", { bubbles: true, detail: { elt: row } }));
  };

  const hold = (html) => {
    const part = document.createElement("template");
    part.innerHTML = html;
    for (const link of part.content.querySelectorAll("#tabs a[id]")) {
      const count = document.querySelector(`#${link.id} .count`);
      if (count) count.textContent = link.querySelector(".count").textContent;
    }
    const sent = part.content.getElementById("rows");
    const [here, there] = [idsIn(rows()), idsIn(sent)];
    for (const row of rows().querySelectorAll("tr[data-id]")) {
      const same = sent.querySelector(`tr[data-id="${row.dataset.id}"]`);
      row.classList.toggle("gone", !same);
      if (same) update(row, same);
    }
    // What moves up from the next page, because something has left this one, is not new.
    const known = there.findLastIndex((id) => here.includes(id));
    const grows = there.length > here.length;
    const added = there.filter((id, at) => !here.includes(id) && (grows || at < known)).length;
    const changed = there.join() !== here.join();
    waiting = { html, seen: sent.getAttribute("hx-get").match(/seen=(\w+)/)[1] };
    const button = document.getElementById("show-new");
    button.textContent = added ? gettext("%(number)s new, show", { number: added }) : gettext("The list has changed, show");
    button.hidden = !changed;
  };

  const isRefresh = (detail) => detail.requestConfig.elt.id === "rows";
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.elt.id === "rows" && waiting) detail.path = detail.path.replace(/seen=\w+/, `seen=${waiting.seen}`);
  });
  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    const held = detail.shouldSwap && isRefresh(detail) && rows().querySelector("tr[data-id]") && (waiting || isUsed());
    if (held) {
      detail.shouldSwap = false;
      hold(detail.serverResponse);
    } else if (detail.shouldSwap) {
      waiting = null;
    }
  });

  section.addEventListener("click", ({ target }) => {
    if (target.id !== "show-new") return;
    const before = idsIn(rows());
    target.hidden = true;
    const { html } = waiting;
    waiting = null;
    htmx.swap("#rows", html, { swapStyle: "outerHTML" });
    scrollTo({ top: 0 });
    const first = idsIn(rows()).find((id) => !before.includes(id));
    (document.getElementById(`open-${first}`) ?? rows().querySelector(".row-link"))?.focus();
  });

  // How long an unread X-ray has waited.
  const say = (minutes) => {
    if (minutes < 1) return gettext("now");
    if (minutes < 60) return gettext("%(number)s min", { number: minutes });
    if (minutes < 1440) return gettext("%(number)s h", { number: Math.floor(minutes / 60) });
    return gettext("%(number)s d", { number: Math.floor(minutes / 1440) });
  };
  const tell = () => {
    for (const age of document.querySelectorAll("[data-since]")) {
      age.textContent = `· ${say(Math.floor((Date.now() - new Date(age.dataset.since)) / 60000))}`;
    }
  };
  tell();
  setInterval(tell, 30000);
  document.addEventListener("htmx:load", tell);

  // Beside the list, where there is room: the film of the row under the pointer or the focus.
  const LINGER_MS = 120;
  const pane = document.getElementById("pane");
  const room = matchMedia("(min-width: 100rem)");
  let lingering = null;
  pane.hidden = false;
  const show = (row) => {
    const [image, name] = [pane.querySelector("img"), row.querySelector(".row-link").textContent];
    image.src = row.dataset.film;
    image.alt = gettext("Film of %(name)s", { name });
    image.hidden = false;
    pane.querySelector("p").textContent = name;
  };
  const point = ({ target }) => {
    const row = target.closest("#rows tr[data-film]");
    clearTimeout(lingering);
    if (row && room.matches) lingering = setTimeout(show, LINGER_MS, row);
  };
  document.addEventListener("pointerover", point);
  document.addEventListener("focusin", point);
})();
