// Uploads X-rays one at a time, from drop or dialog, and shows the progress of each; more can be added
// at any time. Without this script the form still uploads one. A file keeps its idempotency key until
// it is answered, so that a retry after a lost answer is the same upload.
(() => {
  const form = document.getElementById("upload");
  const input = form.elements.xray;
  const list = document.getElementById("sending");
  const maxBytes = Number(form.dataset.maxBytes);
  const waiting = [];
  let busy = false;

  input.multiple = true;
  document.getElementById("several").hidden = false;

  // crypto.randomUUID() works over HTTPS only.
  const makeKey = () =>
    Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

  // For answers without a sentence of their own: the proxy answers with pages, not JSON.
  const sentence = (status, seconds) => {
    const when = seconds ? `in ${seconds} seconds` : "in half a minute";
    if (status === 413) return `Larger than ${maxBytes >> 20} MB; export it at a lower resolution, or as JPEG.`;
    if (status === 429) return `Your network sent too many requests at once; try again ${when}.`;
    return `The service is not responding; try again ${when}.`;
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
      analysing: () => { progress.removeAttribute("value"); state.textContent = "Analysing …"; },
      end: (kind, text, url) => {
        item.className = kind;
        progress.remove();
        state.textContent = text;
        if (!url) return;
        const link = document.createElement("a");
        link.href = url;
        link.textContent = kind === "good" ? "View result" : "See why";
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

  // Resolves to the address of the result, or to null if the file was not accepted.
  const send = ({ file, reference, key, row }) => new Promise((resolve) => {
    const refuse = (text, retry) => {
      row.end("bad", text);
      if (retry) row.again(() => add(file, reference, key));
      resolve(null);
    };
    if (file.size > maxBytes) { refuse(sentence(413)); return; }
    const body = new FormData();
    body.set("reference", reference);
    body.set("xray", file, "xray");  // without the file's own name, which may be a patient's
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Idempotency-Key", key);
    request.setRequestHeader("X-CSRFToken", form.elements.csrf_token.value);
    request.responseType = "json";
    row.begin();
    request.upload.onprogress = (event) => row.sending(event.loaded / event.total);
    request.upload.onload = row.analysing;
    request.onerror = () => refuse("The connection was lost before the result arrived.", true);
    request.onload = () => {
      const answer = request.response ?? {};
      if (request.status === 401) {
        const unsent = waiting.splice(0);
        for (const { row: later } of unsent) later.end("bad", "Not sent");
        refuse("Not sent");
        document.dispatchEvent(new CustomEvent("session-ended", { detail: unsent.length + 1 }));
      } else if (request.status >= 400) {
        const problem = answer.error ?? sentence(request.status, request.getResponseHeader("Retry-After"));
        refuse(problem, request.status === 429 || request.status >= 500);
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
    // One X-ray: go straight to its result. Several: the worklist below updates automatically.
    if (count === 1 && url) window.location = url;
  };

  const add = (file, reference, key) => {
    waiting.push({ file, reference, key, row: show(file.name) });
    sendAll();
  };

  // The reference applies to these files only; if it stayed, it would label the next patient's, too.
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

  // The whole page is the drop target, so a near miss does not open the file in the browser.
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
