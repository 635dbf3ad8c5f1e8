// On every page: the texts of all scripts in the page's language; times in the reader's own time zone,
// also in parts that htmx swaps in; the focus when a part is swapped; and one line when the page cannot
// refresh. It then keeps its content and keeps polling, unless its tab is hidden.

// Scripts have their texts in English. A page in another language loads those first (language.py), and
// `make translations` collects them. As on the server, %% is a per cent sign, and a number and its unit
// stand on one line (typography.py).
globalThis.gettext = (text, values = {}) => (globalThis.TEXTS?.[text] || text)
  .replace(/%(?:%|\((\w+)\)s)/g, (found, name) => (name ? values[name] ?? found : "%"))
  .replace(/(\d) (?=(?:%|mm|MB|min|h|d)(?![\w-]))/g, "$1\u00a0");
globalThis.ngettext = (one, many, num) => gettext(num === 1 ? one : many, { num });
// For numbers and dates: the reader's own kind of the page's language, such as British English.
globalThis.pageLocale = navigator.languages.find((each) => each.split("-")[0] === document.documentElement.lang)
  ?? document.documentElement.lang;

(() => {
  const format = new Intl.DateTimeFormat(pageLocale, { dateStyle: "medium", timeStyle: "short" });
  const short = new Intl.DateTimeFormat(pageLocale, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
  const HALF_A_YEAR_MS = 183 * 86400000;  // from then on a day without its year could be either
  const localise = (part) => {
    for (const time of part.querySelectorAll("time[datetime], option[data-datetime]")) {
      const moment = new Date(time.dateTime ?? time.dataset.datetime);
      const near = Date.now() - moment < HALF_A_YEAR_MS;
      time.textContent = ("short" in time.dataset && near ? short : format).format(moment);
    }
  };
  localise(document);
  document.addEventListener("htmx:load", (event) => localise(event.detail.elt));

  // Every GET of htmx is a poll. Each is also triggered by `visibilitychange`, so a tab that is shown
  // again refreshes at once. A condition in hx-trigger would need eval, which the page forbids.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (document.hidden && event.detail.requestConfig.verb === "get") event.preventDefault();
  });

  // A swap must not throw a person without a mouse back to the top of the page. Who was in the part
  // goes on in it: on the same control, else at its first X-ray or its heading; and in sight.
  let left = "";
  // On the window: after what else decides about the swap.
  addEventListener("htmx:beforeSwap", ({ detail: { shouldSwap, target } }) => {
    if (shouldSwap && target.contains(document.activeElement)) left = target.id;
  });
  document.addEventListener("htmx:afterSettle", () => {
    const part = left && document.getElementById(left);
    left = "";
    if (!part) return;
    if (document.activeElement === document.body) {
      const heading = [...part.querySelectorAll("h1, h2")].find((each) => each.checkVisibility({ visibilityProperty: true }));
      const place = part.querySelector(".row-link") ?? heading ?? part;
      if (place.tabIndex < 0) place.tabIndex = -1;
      place.focus();
    }
    document.activeElement.scrollIntoView({ block: "nearest" });
  });

  const news = document.getElementById("news");
  let ended = false;
  const say = (text) => {
    if (news.firstChild?.data !== text) news.replaceChildren(...(text ? [text] : []));
  };
  const endSession = (text) => {
    ended = true;
    const link = document.createElement("a");
    link.href = location.pathname + location.search;  // redirects to the log-in page and back here
    link.textContent = gettext("Log in again");
    news.replaceChildren(text, " ", link);
  };
  document.addEventListener("session-ended", ({ detail: unsent }) => {
    endSession(ngettext("Your session has ended; not sent: %(num)s file.", "Your session has ended; not sent: %(num)s files.", unsent));
    news.querySelector("a").focus();
  });
  document.addEventListener("htmx:afterRequest", ({ detail: { xhr, requestConfig } }) => {
    if (xhr.status === 401) {
      if (!ended) endSession(gettext("Your session has ended."));
      return;
    }
    if (xhr.status >= 400 || xhr.status === 0) {
      // Not polled: the form, or the part that was asked for, shows the error.
      if (requestConfig.verb !== "get" || requestConfig.elt.matches(".found")) return;
      const sentence = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain") && xhr.responseText;
      const busy = xhr.status === 429 && gettext("Your network sent too many requests at once.");
      const problem = sentence || busy || gettext("The service is not responding.");
      say(gettext("%(problem)s This page may be out of date; it keeps trying.", { problem }));
      return;
    }
    // The reader has logged in again in another tab, so the forms here need the new session. While
    // files that were not sent are listed, the page stays as it is.
    if (ended && !document.querySelector("#sending .bad")) location.reload();
    if (!ended) say("");
  });
})();
