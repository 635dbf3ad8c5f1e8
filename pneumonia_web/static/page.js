// Every page: times in the reader's own zone, also in parts that htmx brings later; and one line
// that says when the parts that refresh cannot. They keep what they show and go on asking.
(() => {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
  const localise = (part) => {
    for (const time of part.querySelectorAll("time[datetime]")) {
      time.textContent = format.format(new Date(time.dateTime));
    }
  };
  localise(document);
  document.addEventListener("htmx:load", (event) => localise(event.detail.elt));

  const news = document.getElementById("news");
  let ended = false;
  const say = (text) => {
    if (news.firstChild?.data !== text) news.replaceChildren(...(text ? [text] : []));
  };
  const endSession = (text) => {
    ended = true;
    const link = document.createElement("a");
    link.href = location.pathname + location.search;  // asks to log in and leads back here
    link.textContent = "Log in again";
    news.replaceChildren(text, link);
  };
  document.addEventListener("session-ended", ({ detail: unsent }) => {
    endSession(`Your session has ended; not sent: ${unsent} ${unsent === 1 ? "file" : "files"}. `);
    news.querySelector("a").focus();
  });
  document.addEventListener("htmx:afterRequest", ({ detail: { xhr, requestConfig } }) => {
    if (xhr.status === 401) {
      if (!ended) endSession("Your session has ended. ");
      return;
    }
    if (xhr.status >= 400 || xhr.status === 0) {
      if (requestConfig.verb !== "get") return;  // nothing goes on trying; the form says it
      const told = xhr.getResponseHeader("Content-Type")?.startsWith("text/plain") && xhr.responseText;
      const busy = xhr.status === 429 && "Many requests came from your network at once.";
      say(`${told || busy || "The service does not answer."} What you see may be old; this page goes on trying.`);
      return;
    }
    // Logged in again, in another tab: the forms here need the new session. Files that were not
    // sent stay named until the reader leaves.
    if (ended && !document.querySelector("#sending .bad")) location.reload();
    if (!ended) say("");
  });
})();
