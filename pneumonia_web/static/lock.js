// Locks a page that nobody uses: it hides everything, stops refreshing, and asks for the password. What
// was typed stays. The server locks by itself (idle.py); this reports to it that the person is active.
(() => {
  const template = document.getElementById("lock");
  if (!template) return;
  const IDLE_MS = template.dataset.idleMinutes * 60000;
  const REPORT_MS = Math.min(60000, IDLE_MS / 4);
  const ACTIVE = "active";  // when the person last used any tab, for all tabs
  const AWAY = gettext("The service is not responding; try again in half a minute.");
  const headers = { Accept: "application/json", "X-CSRFToken": template.dataset.token };
  let dialog = null;
  let focused = null;  // when the page was locked
  let [used, reported] = [Date.now(), Date.now()];

  // The answer, or null without a connection.
  const post = async (url, body) => {
    try {
      return await fetch(url, { method: "POST", headers, body });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return null;
    }
  };

  const unlock = () => {
    dialog?.remove();
    dialog = null;
    document.documentElement.classList.remove("locked");
    focused?.focus();
    document.dispatchEvent(new Event("visibilitychange"));  // refresh now
  };

  const send = async (event) => {
    event.preventDefault();
    const form = event.target;
    const answer = await post(form.action, new URLSearchParams(new FormData(form)));
    if (answer?.ok) {
      [used, reported] = [Date.now(), Date.now()];
      unlock();
      localStorage.setItem(ACTIVE, used);
    } else if (answer?.status === 401) {
      location.reload();  // the session has ended: it redirects to the log-in page and back here
    } else {
      const json = answer?.headers.get("Content-Type")?.startsWith("application/json");
      const problem = form.querySelector("[role=alert]");
      problem.textContent = json ? (await answer.json()).error : AWAY;
      problem.hidden = false;
      form.elements.password.select();
    }
  };

  const lock = () => {
    if (dialog) return;
    dialog = document.importNode(template.content, true).querySelector("dialog");
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("submit", send);
    focused = document.activeElement;
    document.body.append(dialog);
    document.documentElement.classList.add("locked");
    dialog.showModal();
  };

  const report = async () => {
    const answer = await post(template.dataset.active);
    if (answer?.status === 423) lock();
    else if (answer?.status === 204 && dialog) unlock();
  };

  const use = () => {
    used = Date.now();
    if (dialog || used - reported < REPORT_MS) return;
    reported = used;
    localStorage.setItem(ACTIVE, used);
    report();
  };
  for (const name of ["keydown", "pointerdown", "pointermove", "wheel"]) {
    document.addEventListener(name, use, { passive: true, capture: true });
  }
  // The person has just logged in again, which a locked tab of theirs waits for.
  if (location.hash === "#unlocked") {
    history.replaceState(history.state, "", location.pathname + location.search);
    localStorage.setItem(ACTIVE, used);
  }
  // Another tab was used or unlocked. The server decides whether this one may go on.
  addEventListener("storage", ({ key, newValue }) => {
    if (key !== ACTIVE) return;
    used = Math.max(used, Number(newValue));
    if (dialog) report();
  });
  // A computer that slept has missed its timers.
  const check = () => { if (Date.now() - used >= IDLE_MS) lock(); };
  setInterval(check, Math.min(5000, IDLE_MS / 4));
  document.addEventListener("visibilitychange", check);

  document.addEventListener("htmx:beforeRequest", (event) => { if (dialog) event.preventDefault(); });
  document.addEventListener("htmx:afterRequest", ({ detail: { xhr } }) => { if (xhr.status === 423) lock(); });
})();
