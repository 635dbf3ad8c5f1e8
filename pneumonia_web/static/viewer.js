// The viewer's toolbar, its notes on the film, full screen, and the list of keys. reading.js presses the
// control that declares a key. Without this script, or while it loads, the page shows the preview.
(() => {
  const TOOLS = ["window", "pan", "loupe", "ruler"];
  const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"];
  const views = new WeakMap();

  const percent = (share) => gettext("%(number)s %%", { number: Math.round(100 * share) });

  // What differs from the film as stored, in words; a mirrored film is marked on the film itself.
  const describe = (view) => {
    const { state, film } = view;
    const { low, high } = view.window;
    const [width, level] = [(high - low) / film.table.length, (high + low) / 2 / film.table.length];
    const turned = state.turn ? gettext("turned %(degrees)s°", { degrees: 90 * state.turn }) : "";
    const zoom = view.state.actual ? "1:1" : percent(view.scale);
    return [
      gettext("Window %(width)s, level %(level)s", { width: percent(width), level: percent(level) }), zoom, state.inverted ? gettext("inverted") : "", turned,
      film.full ? "" : gettext("preview only"),
    ].filter(Boolean).join(" · ");
  };

  const act = {
    fit: (view) => view.change({ zoom: 1, actual: false, x: 0.5, y: 0.5 }),
    actual: (view) => view.change({ actual: true }),
    closer: (view) => view.zoomBy(1.25),
    farther: (view) => view.zoomBy(0.8),
    invert: (view) => view.change({ inverted: !view.state.inverted }),
    turn: (view) => view.change({ turn: (view.state.turn + 1) % 4 }),
    // Left and right of the screen, however the film is turned.
    flip: (view) => view.change({ flip: !view.state.flip, turn: (4 - view.state.turn) % 4 }),
    reset: (view) => view.change({ ...FilmView.START }),
  };

  // A policy may forbid the full screen, and telephones have it for videos alone.
  const fill = async (figure) => {
    const said = figure.querySelector(".viewer-said");
    said.textContent = "";
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else await figure.requestFullscreen();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      said.textContent = gettext("The browser does not allow the full screen here.");
    }
  };

  // One film in its frame, with what is written on it.
  const mount = (root) => {
    const view = new FilmView(root);
    const [note, mirrored, measured] = [".film-note", ".mirrored", ".measured"].map((name) => root.querySelector(name));
    view.addEventListener("drawn", () => {
      note.textContent = describe(view);
      mirrored.hidden = !view.state.flip;
    });
    root.addEventListener("measured", ({ detail }) => { if (measured.textContent !== detail) measured.textContent = detail; });
    return { root, view, tools: new FilmTools(view) };
  };

  const start = (figure) => {
    const root = figure.querySelector(".film");
    const bar = figure.querySelector(".toolbar");
    const own = mount(root);
    views.set(root, own.view);
    // An earlier film may be beside the page's own; the toolbar works on the one that was touched last.
    const films = [own];
    let active = own;
    const button = (name) => bar.querySelector(`[data-act="${name}"]`);

    const report = () => {
      const { state } = active.view;
      for (const [name, pressed] of [["invert", state.inverted], ["flip", state.flip]]) button(name).setAttribute("aria-pressed", pressed);
      for (const each of bar.querySelectorAll("[data-preset]")) each.setAttribute("aria-pressed", each.dataset.preset === state.preset);
    };
    const activate = (film) => {
      active = film;
      for (const each of films) each.root.parentElement.toggleAttribute("data-active", each === active);
      report();
    };
    const watch = (film) => {
      film.view.addEventListener("drawn", () => {
        bar.hidden = false;
        if (film === active) report();
      });
      for (const name of ["pointerdown", "focusin", "wheel"]) film.root.addEventListener(name, () => activate(film), { passive: true });
    };
    watch(own);

    // On a narrow screen the toolbar scrolls, and a browser leaves a button there that is cut off.
    bar.addEventListener("focusin", ({ target }) => target.scrollIntoView({ block: "nearest", inline: "nearest" }));
    bar.addEventListener("click", ({ target }) => {
      const pressed = target.closest("button");
      if (!pressed) return;
      const { act: name, preset, tool } = pressed.dataset;
      if (tool) {
        for (const film of films) {
          film.root.dataset.grab = "";
          film.tools.choose(tool);
        }
        for (const each of TOOLS) bar.querySelector(`[data-tool="${each}"]`).setAttribute("aria-pressed", each === tool);
      } else if (preset) {
        active.view.usePreset(preset);
      } else if (name === "screen") {
        fill(figure);
      } else if (name === "keys") {
        figure.querySelector("dialog.keys").showModal();
      } else if (act[name]) {
        act[name](active.view);
        if (name === "reset") active.tools.clear();
      }
    });
    figure.addEventListener("keydown", (event) => {
      if (event.target.closest("input, select, dialog") || event.ctrlKey || event.metaKey || event.altKey) return;
      // Browsers leave by themselves and do not pass the key on; one that does must not act on it twice.
      if (event.key === "Escape" && document.fullscreenElement) {
        document.exitFullscreen();
        event.preventDefault();
      } else if (event.key === "Escape" && films.some(({ tools }) => tools.placed)) {
        for (const { tools } of films) tools.clear();
        event.preventDefault();
      }
      if (!ARROWS.includes(event.key) || !active.view.film) return;
      event.preventDefault();
      active.tools.press(event.key, event.shiftKey);
    });
    document.addEventListener("fullscreenchange", () => button("screen").setAttribute("aria-pressed", document.fullscreenElement === figure));
    figure.dispatchEvent(new CustomEvent("viewer", { bubbles: true, detail: own.view }));

    const add = (other) => {
      const film = mount(other);
      other.toggleAttribute("data-grab", "grab" in root.dataset);
      film.tools.choose(own.tools.tool);
      films.push(film);
      watch(film);
      activate(own);
      return film;
    };
    const remove = (film) => {
      films.splice(films.indexOf(film), 1);
      activate(own);
    };
    figure.dispatchEvent(new CustomEvent("films", { bubbles: true, detail: { figure, bar, own, add, remove } }));
  };

  const startAll = (part) => {
    for (const figure of part.querySelectorAll("figure.viewer")) {
      if (!views.has(figure.querySelector(".film"))) start(figure);
    }
  };
  // The X-rays of this tab in the order in which they were opened, for the way back.
  const TRAIL = "trail";
  const followTrail = () => {
    const link = document.getElementById("previous");
    const trail = JSON.parse(sessionStorage.getItem(TRAIL) ?? "[]");
    const been = trail.findIndex((address) => address.split("?")[0] === location.pathname);
    const now = been < 0 ? [...trail.slice(-50), location.pathname + location.search] : trail.slice(0, been + 1);
    sessionStorage.setItem(TRAIL, JSON.stringify(now));
    link.hidden = now.length < 2;
    if (now.length > 1) link.href = now.at(-2);
  };
  followTrail();

  startAll(document);
  document.addEventListener("htmx:load", ({ detail: { elt } }) => startAll(elt));
})();
