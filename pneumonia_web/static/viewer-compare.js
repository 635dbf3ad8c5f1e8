// An earlier X-ray of the same reference beside the one on the page. It is searched for when a person
// presses the button, not before. Both zoom, move, turn and mirror together until the link is off;
// window and level are those of each film. What the page withholds and what it records is about its
// own X-ray alone (film.js).
(() => {
  const MOVES = ["x", "y", "zoom", "actual", "turn", "flip"];
  const PLACE = { x: 0.5, y: 0.5, zoom: 1, actual: false };
  const AT_FIRST = { ...PLACE, turn: 0, flip: false };

  // What a change of one film is on the other: a reset or a fit is the same there; else it turns and
  // zooms as much, and moves as far on the patient, in the same direction on the screen. So films that
  // were placed one by one stay as they are to each other.
  const translate = (from, to, { before, changes }) => {
    if ("turn" in changes && "zoom" in changes) return AT_FIRST;
    if (changes.zoom === 1 && "x" in changes) return PLACE;
    const [now, other] = [from.placing, to.placing];
    const mirrored = now.flip !== before.flip;
    const flip = other.flip !== mirrored;
    const turn = (mirrored ? 4 - other.turn : other.turn + now.turn - before.turn + 4) % 4;
    const [right, down] = [(now.x - before.x) * from.size.width, (now.y - before.y) * from.size.height];
    const [a, b, c, d] = filmRaster.toCanvas({ x: 0, y: 0, scale: from.fit / to.fit, turn: now.turn, flip: now.flip }, 0, 0);
    const [x, y] = filmRaster.toFilm({ x: 0, y: 0, scale: 1, turn, flip }, 0, 0, a * right + c * down, b * right + d * down);
    return {
      x: other.x + x / to.size.width, y: other.y + y / to.size.height, zoom: other.zoom * now.zoom / before.zoom, actual: false, turn, flip,
    };
  };

  const start = ({ figure, bar, own, add, remove }) => {
    const template = figure.querySelector("template[data-earlier]");
    if (!template) return;
    const [compare, link, found, search] = ["[data-act=compare]", "[data-act=link]", ".found", ".search"].map((name) => bar.querySelector(name));
    const choice = () => found.querySelector("select");  // once it was searched for
    const label = figure.querySelector(".which");
    const said = figure.querySelector("[data-compared]");
    let other = null;
    let passing = false;  // the change of one film that this script makes is not passed back
    link.hidden = true;

    const set = (view, changes, quick) => {
      passing = true;
      view.change(changes, quick);
      passing = false;
    };
    const pass = (from, to, detail) => {
      const linked = link.getAttribute("aria-pressed") === "true";
      if (!linked || passing || !to.film || !MOVES.some((name) => name in detail.changes)) return;
      set(to, translate(from, to, detail), detail.quick);
    };
    own.view.addEventListener("changed", ({ detail }) => { if (other) pass(own.view, other.view, detail); });

    const show = (shown) => {
      figure.classList.toggle("comparing", shown);
      [label.hidden, link.hidden] = [!shown, !shown];
      compare.setAttribute("aria-pressed", shown);
    };

    const close = () => {
      const frame = other.root.parentElement;
      const focused = frame.contains(document.activeElement);
      remove(other);
      frame.remove();
      other = null;
      show(false);
      if (focused) compare.focus();
      said.textContent = gettext("The earlier X-ray is closed.");
    };

    const open = () => {
      const [option] = choice().selectedOptions;
      const frame = document.importNode(template.content, true).firstElementChild;
      const [root, image, time, state] = [".film", "img", "time", ".film-state"].map((name) => frame.querySelector(name));
      [time.dateTime, time.textContent] = [option.dataset.datetime, option.text];
      root.dataset.film = option.dataset.film;
      image.addEventListener("error", () => {
        state.hidden = false;
        state.firstElementChild.textContent = gettext("The earlier X-ray could not be displayed. Close it and try again.");
      });
      image.src = option.dataset.preview;
      own.root.parentElement.after(frame);
      show(true);
      const film = add(root);
      other = film;
      film.view.addEventListener("drawn", () => set(film.view, own.view.placing), { once: true });
      film.view.addEventListener("changed", ({ detail }) => { if (film === other) pass(film.view, own.view, detail); });
      said.textContent = gettext("The earlier X-ray, sent %(time)s, is beside this one. Your answers are about this X-ray only.", { time: option.text });
    };

    compare.addEventListener("click", () => {
      if (other) close();
      else if (choice()) open();
      else htmx.trigger(found, "find");
    });
    found.addEventListener("htmx:beforeRequest", () => { search.textContent = gettext("Looking for it …"); });
    found.addEventListener("htmx:afterRequest", ({ detail: { successful } }) => {
      search.textContent = !successful ? gettext("The search failed; press again.") : choice() ? "" : gettext("None was sent before this one.");
    });
    found.addEventListener("htmx:afterSettle", () => { if (choice() && !other) open(); });  // its time is that of the reader by then
    link.addEventListener("click", () => link.setAttribute("aria-pressed", link.getAttribute("aria-pressed") !== "true"));
    found.addEventListener("change", () => {
      if (!other) return;
      close();
      open();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented || !other || !figure.isConnected) return;
      if (!event.target.closest?.("select, dialog")) close();
    });
  };
  document.addEventListener("films", ({ detail }) => start(detail));
})();
