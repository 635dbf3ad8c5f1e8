// Locks a page that nobody uses: it hides everything, stops refreshing, and asks for the password. What
// was typed stays. The server locks by itself (idle.py); this reports to it that the person is active.
(() => {
  const dialog = document.getElementById("lock");
  if (!dialog) return;
  const form = dialog.querySelector("form");
  const problem = document.getElementById("locked-problem");
  const IDLE_MS = dialog.dataset.idleMinutes * 60000;
  const REPORT_MS = Math.min(60000, IDLE_MS / 4);
  const ACTIVE = "active";  // when the person last used any tab, for all tabs
  const headers = { Accept: "application/json", "X-CSRFToken": form.elements.csrf_token.value };

  const locked = () => dialog.open;
  const lock = () => {
    if (locked()) return;
    document.documentElement.classList.add("locked");
    dialog.showModal();
  };
  const unlock = () => {
    if (!locked()) return;
    dialog.close();
    form.reset();
    problem.hidden = true;
    document.documentElement.classList.remove("locked");
    document.dispatchEvent(new Event("visibilitychange"));  // refresh now
  };

  const report = async () => {
    let answer;
    try {
      answer = await fetch(dialog.dataset.active, { method: "POST", headers });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return;  // no connection: the page says so by its own refresh
    }
    if (answer.status === 423) lock();
    if (answer.status === 204) unlock();
  };

  let [used, reported] = [Date.now(), Date.now()];
  const use = () => {
    used = Date.now();
    if (locked() || used - reported < REPORT_MS) return;
    reported = used;
    localStorage.setItem(ACTIVE, used);
    report();
  };
  for (const name of ["keydown", "pointerdown", "pointermove", "wheel"]) {
    document.addEventListener(name, use, { passive: true, capture: true });
  }
  // Another tab was used or unlocked. The server decides whether this one may go on.
  addEventListener("storage", ({ key, newValue }) => {
    if (key !== ACTIVE) return;
    used = Math.max(used, Number(newValue));
    if (locked()) report();
  });
  // A computer that slept has missed its timers.
  const check = () => { if (Date.now() - used >= IDLE_MS) lock(); };
  setInterval(check, Math.min(5000, IDLE_MS / 4));
  document.addEventListener("visibilitychange", check);

  document.addEventListener("htmx:beforeRequest", (event) => { if (locked()) event.preventDefault(); });
  document.addEventListener("htmx:afterRequest", ({ detail: { xhr } }) => { if (xhr.status === 423) lock(); });

  dialog.addEventListener("cancel", (event) => event.preventDefault());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const say = (text) => { problem.textContent = text; problem.hidden = false; };
    let answer;
    try {
      answer = await fetch(form.action, { method: "POST", headers, body: new URLSearchParams(new FormData(form)) });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      say("The service is not responding; try again in half a minute.");
      return;
    }
    if (answer.ok) {
      [used, reported] = [Date.now(), Date.now()];
      unlock();
      localStorage.setItem(ACTIVE, used);
    } else if (answer.status === 401) {
      location.reload();  // the session has ended: it redirects to the log-in page and back here
    } else {
      const json = answer.headers.get("Content-Type")?.startsWith("application/json");
      say(json ? (await answer.json()).error : "The service is not responding; try again in half a minute.");
      form.elements.password.select();
    }
  });
})();
