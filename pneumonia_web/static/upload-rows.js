// The list of the files that are being sent: a row for each, with its progress, then its result or what
// is wrong with it. upload.js sends them.
globalThis.uploadRows = (() => {
  const ROW = '<span class="name"></span><progress max="1" value="0"></progress><span class="state"></span>';
  const show = (name, reference) => {
    const list = document.getElementById("sending");
    const item = document.createElement("li");
    item.innerHTML = ROW;
    const label = item.querySelector(".name");
    label.textContent = label.title = reference ? `${reference} · ${name}` : name;
    list.append(item);
    const state = item.querySelector(".state");
    state.textContent = gettext("Waiting");
    const progress = item.querySelector("progress");
    return {
      begin: () => {
        state.textContent = gettext("Sending …");
        list.scrollTop = item.offsetTop - item.offsetHeight;
      },
      sending: (share) => { progress.value = share; state.textContent = gettext("%(number)s %%", { number: Math.floor(share * 100) }); },
      analysing: () => { progress.removeAttribute("value"); state.textContent = gettext("Analysing …"); },
      refuse: (text) => {
        item.className = "bad";
        progress.remove();
        state.textContent = text;
      },
      end: ({ url, reason, result, thumbnail }) => {
        item.className = reason ? "bad" : "good";
        progress.remove();
        state.textContent = "";
        if (thumbnail) {
          const film = new Image(32, 32);
          [film.src, film.alt, film.className] = [thumbnail, "", "thumb"];
          label.prepend(film);
        }
        if (result) {
          const pill = document.createElement("span");
          [pill.className, pill.textContent] = [`pill ${result.kind}`, result.word];
          state.append(pill, " ");
        }
        if (reason) state.append(reason, " ");
        const link = document.createElement("a");
        link.href = url;
        link.textContent = reason ? gettext("See why") : gettext("View result");
        state.append(link);
      },
      again: (resend) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = gettext("Send again");
        button.addEventListener("click", () => { item.remove(); resend(); list.focus(); });
        state.append(" ", button);
      },
    };
  };

  return { show };
})();
