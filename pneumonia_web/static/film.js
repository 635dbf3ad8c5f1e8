// Withholds the result and the answers until the film is decoded, inside the window and drawn: nobody
// reads an X-ray unseen. Without this script, the reader says that the film is displayed.
(() => {
  const LOADING_MS = 700;
  const SLOW_MS = 10000;
  const drawn = new WeakSet();
  let turn = 0;

  const film = () => document.querySelector(".film:not(.earlier) img");  // never that of another X-ray

  const hint = (shown) => { document.getElementById("film-hint").hidden = !shown; };

  const apply = () => {
    const seen = drawn.has(film());
    if (seen) hint(false);
    for (const part of document.querySelectorAll("[data-after-film]")) {
      if (part.matches("fieldset")) part.disabled = !seen;
      else part.classList.toggle("unseen", !seen);
    }
    const before = document.querySelector("[data-before-film]");
    if (before) before.hidden = seen;
  };

  const say = (text, mayRetry = false) => {
    const state = document.getElementById("film-state");
    state.hidden = !text;
    state.querySelector("p").textContent = text;
    state.querySelector("button").hidden = !mayRetry;
  };

  // A frame is drawn only while its tab is shown.
  const frame = () => new Promise(requestAnimationFrame);
  const inside = (image) => new Promise((resolve) => {
    const observer = new IntersectionObserver((entries) => {
      if (!entries.at(-1).isIntersecting) {
        hint(true);
        return;
      }
      observer.disconnect();
      resolve();
    });
    observer.observe(image);
  });

  const watch = async (image) => {
    turn += 1;
    const own = turn;
    const timers = [
      setTimeout(() => say(gettext("Loading the film. Result and answers appear once it is displayed.")), LOADING_MS),
      setTimeout(() => say(gettext("The film is slow to load. Result and answers appear once it is displayed."), true), SLOW_MS),
    ];
    let failure;
    try {
      await image.decode();
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      failure = error;
    } finally {
      timers.forEach(clearTimeout);
    }
    if (own !== turn) return;  // tried again meanwhile
    if (failure) {
      say(gettext("The film could not be displayed, so result and answers are withheld."), true);
      return;
    }
    say("");
    await inside(image);
    await frame();
    await frame();  // the first one has drawn it
    drawn.add(image);
    apply();
    document.dispatchEvent(new Event("film-displayed"));
  };

  const start = (part) => {
    const image = part.querySelector(".film:not(.earlier) img");
    if (image) {
      document.querySelector("#film-state button").addEventListener("click", () => {
        image.src = `${image.src.split("?")[0]}?again=${Date.now()}`;  // never a damaged copy from the cache
        watch(image);
      });
      watch(image);
    }
    apply();
  };
  start(document);
  document.addEventListener("htmx:load", (event) => {
    if (event.detail.elt !== document.body) start(event.detail.elt);
  });
})();
