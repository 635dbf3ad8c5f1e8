// Sends X-rays one after the other, by drop or dialog, and shows how far each is; more may be added
// meanwhile. Without this script the form still sends one. Each file keeps its idempotency key until
// it has its answer: sent again, because the answer was lost, it is the same upload.
(() => {
  const form = document.getElementById("upload");
  const input = form.elements.xray;
  const list = document.getElementById("sending");
  const maxBytes = Number(form.dataset.maxBytes);
  const waiting = [];
  let busy = false;

  input.multiple = true;
  document.getElementById("several").hidden = false;

  // crypto.randomUUID() is for HTTPS alone.
  const makeKey = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

  // What is said when the answer brings no sentence: the proxy's answers are pages, not JSON.
  const sentence = (status, seconds) => {
    const when = seconds ? `in ${seconds} seconds` : "in half a minute";
    if (status === 413) return `Larger than ${maxBytes >> 20} MB; export it smaller, or as JPEG.`;
    if (status === 429) return `Many requests came from your network at once; try again ${when}.`;
    return `The service does not answer; try again ${when}.`;
  };

  const show = (name) => {
    const item = document.createElement("li");
    item.innerHTML = '<span class="name"></span><progress max="1" value="0"></progress><span class="state">Waiting</span>';
    item.querySelector(".name").textContent = name;
    list.append(item);
    const state = item.querySelector(".state");
    const progress = item.querySelector("progress");
    return {
      begin: () => {
        state.textContent = "Sending …";
        list.scrollTop = item.offsetTop - item.offsetHeight;
      },
      sending: (share) => { progress.value = share; state.textContent = `${Math.floor(share * 100)} %`; },
      judging: () => { progress.removeAttribute("value"); state.textContent = "Judging …"; },
      end: (kind, text, url) => {
        item.className = kind;
        progress.remove();
        state.textContent = text;
        if (!url) return;
        const link = document.createElement("a");
        link.href = url;
        link.textContent = kind === "good" ? "See the result" : "See why";
        state.append(" ", link);
      },
      again: (resend) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = "Send again";
        button.addEventListener("click", () => { item.remove(); resend(); });
        state.append(" ", button);
      },
    };
  };

  // The result's address, or null for what was not accepted.
  const send = ({ file, reference, key, row }) => new Promise((resolve) => {
    const refuse = (text, retry) => {
      row.end("bad", text);
      if (retry) row.again(() => add(file, reference, key));
      resolve(null);
    };
    if (file.size > maxBytes) { refuse(sentence(413)); return; }
    const body = new FormData();
    body.set("reference", reference);
    body.set("xray", file, "xray");  // the file's own name may be a patient's: it stays here
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Idempotency-Key", key);
    request.setRequestHeader("X-CSRFToken", form.elements.csrf_token.value);
    request.responseType = "json";
    row.begin();
    request.upload.onprogress = (event) => row.sending(event.loaded / event.total);
    request.upload.onload = row.judging;
    request.onerror = () => refuse("The connection broke before an answer came.", true);
    request.onload = () => {
      const answer = request.response ?? {};
      if (request.status === 401) {
        const unsent = waiting.splice(0);
        for (const { row: later } of unsent) later.end("bad", "Not sent");
        refuse("Not sent");
        document.dispatchEvent(new CustomEvent("session-ended", { detail: unsent.length + 1 }));
      } else if (request.status >= 400) {
        const said = answer.error ?? sentence(request.status, request.getResponseHeader("Retry-After"));
        refuse(said, request.status === 429 || request.status >= 500);
      } else {
        row.end(answer.reason ? "bad" : "good", answer.reason ?? "", answer.url);
        resolve(answer.url);
      }
    };
    request.send(body);
  });

  const sendAll = async () => {
    if (busy) return;
    busy = true;
    let [count, url] = [0, null];
    while (waiting.length) {
      url = await send(waiting.shift());
      count += 1;
    }
    busy = false;
    // One X-ray: straight to its result. Several: the worklist below fills by itself.
    if (count === 1 && url) window.location = url;
  };

  const add = (file, reference, key) => {
    waiting.push({ file, reference, key, row: show(file.name) });
    sendAll();
  };

  // The reference goes with these files alone: left in place, it would name the next patient's too.
  const take = (files) => {
    for (const file of files) add(file, form.elements.reference.value, makeKey());
    form.elements.reference.value = input.value = "";
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take([...input.files]);
  });
  input.addEventListener("change", () => { if (input.files.length) form.requestSubmit(); });
  window.addEventListener("beforeunload", (event) => { if (busy) event.preventDefault(); });

  // The whole page is the target, so a near miss does not open the file in the browser.
  let depth = 0;
  const over = (change) => {
    depth = Math.max(0, depth + change);
    form.classList.toggle("over", depth > 0);
  };
  document.addEventListener("dragenter", () => over(1));
  document.addEventListener("dragleave", () => over(-1));
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    over(-depth);
    take([...event.dataTransfer.files]);
  });
})();
