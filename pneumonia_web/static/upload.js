// Uploads X-rays, three at a time, from drop or dialog, and shows the progress of each and of all; more
// can be added at any time. Without this script the form still uploads one. A file keeps its
// idempotency key until it is answered, so that a retry after a lost answer is the same upload. A
// file's name is shown while the page is open, and never sent or kept.
(() => {
  const IN_FLIGHT = 3;
  const LONGEST_REFERENCE = 64;
  const UNFINISHED = "unfinished-upload";  // of this tab: a random salt and two counts, no name
  const form = document.getElementById("upload");
  if (!form) return;  // the page to unlock
  const input = form.elements.xray;
  const list = document.getElementById("sending");
  const summary = document.getElementById("all-sending");
  const maxBytes = Number(form.dataset.maxBytes);
  const waiting = [];
  const again = [];  // what may be sent again
  let flying = 0;
  let batch = null;  // {salt, total, ended, failed, left, url, copies, resumed} of the files since the last pause
  let lost = 0;

  input.multiple = true;
  input.accept += ",.zip,application/zip";
  for (const each of form.querySelectorAll(".scripted")) each.classList.remove("scripted");

  const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  // crypto.randomUUID() works over HTTPS only.
  const makeKey = () => toHex(crypto.getRandomValues(new Uint8Array(16)));

  // The same file of the same batch has the same key, also after the page was left and opened again;
  // its copies in the batch are uploads of their own.
  const nameUpload = async (content) => {
    if (!crypto.subtle || (batch.total === 1 && !batch.resumed)) return makeKey();
    const bytes = await new Blob([batch.salt, content]).arrayBuffer();
    const digest = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))).slice(0, 32);
    const copies = batch.copies.get(digest) ?? 0;
    batch.copies.set(digest, copies + 1);
    return `${digest}-${copies}`;
  };

  // For answers without a sentence of their own: the proxy answers with pages, not JSON.
  const sentence = (status, seconds) => {
    const when = seconds ? gettext("in %(seconds)s seconds", { seconds }) : gettext("in half a minute");
    if (status === 413) return gettext("Larger than %(most)s MB; export it at a lower resolution, or as JPEG.", { most: maxBytes >> 20 });
    if (status === 429) return gettext("Your network sent too many requests at once; try again %(when)s.", { when });
    return gettext("The service is not responding; try again %(when)s.", { when });
  };

  const tell = () => {
    if (!batch || batch.total < 2) { summary.hidden = true; return; }
    summary.hidden = false;
    const [text, bar] = [summary.querySelector("span"), summary.querySelector("progress")];
    const ended = batch.ended === batch.total;
    bar.max = batch.total;
    bar.value = batch.ended;
    const failed = batch.failed ? gettext(", %(number)s not sent or not analysed", { number: batch.failed }) : "";
    const left = batch.left ? gettext(", %(number)s other files left out", { number: batch.left }) : "";
    text.textContent = gettext("%(some)s of %(all)s done", { some: batch.ended, all: batch.total }) + failed + left;
    const button = summary.querySelector("button");
    button.hidden = !(ended && again.length > 1);
    button.textContent = button.hidden ? "" : gettext("Send %(number)s again", { number: again.length });
    if (ended && !again.length) sessionStorage.removeItem(UNFINISHED);
    else sessionStorage.setItem(UNFINISHED, JSON.stringify({ salt: batch.salt, total: batch.total, sent: batch.ended - batch.failed }));
  };

  // Resolves to whether there is a result.
  const post = (job, content) => new Promise((resolve) => {
    const { reference, key, row } = job;
    const refuse = (text, retry) => {
      row.refuse(text);
      if (retry) {
        again.push(job);
        row.again(() => { again.splice(again.indexOf(job), 1); batch.total -= 1; batch.ended -= 1; batch.failed -= 1; add([job], { again: true }); });
      }
      resolve(false);
    };
    const body = new FormData();
    body.set("reference", reference);
    body.set("xray", content, "xray");  // without the file's own name, which may be a patient's
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Idempotency-Key", key);
    request.setRequestHeader("X-CSRFToken", form.elements.csrf_token.value);
    request.responseType = "json";
    request.upload.onprogress = (event) => row.sending(event.loaded / event.total);
    request.upload.onload = row.analysing;
    request.onerror = () => refuse(gettext("The connection was lost before the result arrived."), true);
    request.onload = () => {
      const answer = request.response ?? {};
      if (request.status === 401) {
        const unsent = waiting.splice(0);
        for (const { row: later } of unsent) later.refuse(gettext("Not sent"));
        batch.ended += unsent.length;
        batch.failed += unsent.length;
        lost += unsent.length + 1;
        refuse(gettext("Not sent"));
      } else if (request.status >= 400) {
        const problem = answer.error ?? sentence(request.status, request.getResponseHeader("Retry-After"));
        refuse(problem, request.status === 423 || request.status === 429 || request.status >= 500);
      } else {
        row.end(answer);
        batch.url = answer.url;
        resolve(!answer.reason);
      }
    };
    request.send(body);
  });

  const send = async (job) => {
    if (job.file.size > maxBytes) { job.row.refuse(sentence(413)); return false; }
    job.row.begin();
    let content;
    try {
      content = await job.file.open();
      job.key ??= await nameUpload(content);
    } catch (error) {
      if (!(error instanceof xrayFiles.Refused || error instanceof DOMException)) throw error;
      job.row.refuse(error instanceof xrayFiles.Refused ? error.message : gettext("The file could not be read; choose it again."));
      return false;
    }
    return post(job, content);
  };

  const sendNext = async () => {
    if (flying >= IN_FLIGHT || !waiting.length) return;
    flying += 1;
    const judged = await send(waiting.shift());
    flying -= 1;
    batch.ended += 1;
    if (!judged) batch.failed += 1;
    tell();
    if (flying || waiting.length) {
      sendNext();
      return;
    }
    if (lost) document.dispatchEvent(new CustomEvent("session-ended", { detail: lost }));
    lost = 0;
    // One X-ray: go straight to its result. Several: the worklist below updates automatically.
    if (batch.total === 1 && batch.url && "open" in form.dataset) window.location = batch.url;
  };

  const add = (jobs, { left = 0, again: goesOn = false } = {}) => {
    const rests = !flying && !waiting.length && !again.length;
    if (!batch || (rests && !goesOn)) {
      const stored = JSON.parse(sessionStorage.getItem(UNFINISHED) ?? "null");
      batch = { salt: stored?.salt ?? makeKey(), resumed: Boolean(stored), total: 0, ended: 0, failed: 0, left: 0, url: null, copies: new Map() };
      document.getElementById("unfinished").hidden = true;
    }
    batch.total += jobs.length;
    batch.left += left;
    for (const job of jobs) waiting.push({ ...job, row: uploadRows.show(job.file.name, job.reference) });
    tell();
    for (let free = flying; free < IN_FLIGHT; free += 1) sendNext();
  };

  // The reference applies to these files only; if it stayed, it would label the next patient's, too.
  const take = async (finding) => {
    const base = form.elements.reference.value.trim();
    form.elements.reference.value = input.value = "";
    const { files, refused } = await finding;
    for (const { name, sentence: why } of refused) uploadRows.show(name).refuse(why);
    const kept = [];
    let left = 0;
    for (const file of files) {
      if (file.maybe && file.size <= maxBytes && !await looksLikeImage(file)) left += 1;
      else kept.push(file);
    }
    const suffix = (number) => (base && kept.length > 1 ? ` ${number + 1}/${kept.length}` : "");
    if ((base + suffix(kept.length - 1)).length > LONGEST_REFERENCE) {
      uploadRows.show(gettext("%(number)s files", { number: kept.length }), base).refuse(gettext(
        "The reference has no room for numbers up to %(number)s; shorten it and choose the files again.", { number: kept.length },
      ));
      return;
    }
    add(kept.map((file, number) => ({ file, reference: base + suffix(number) })), { left });
    if (!kept.length && left) uploadRows.show(gettext("%(number)s files", { number: left })).refuse(gettext("None of them is an X-ray in one of the accepted formats."));
    if (!files.length && !refused.length) uploadRows.show(gettext("%(number)s files", { number: 0 })).refuse(gettext("There is no file in the folder."));
  };

  const looksLikeImage = async (file) => {
    try {
      return await xrayFiles.isImage(file);
    } catch (error) {
      if (!(error instanceof xrayFiles.Refused)) throw error;
      return true;  // its row says what is wrong with it
    }
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    take(xrayFiles.expand([...input.files], false, maxBytes));
  });
  input.addEventListener("change", () => { if (input.files.length) form.requestSubmit(); });
  const folder = document.getElementById("folder");
  const chooser = document.getElementById("choose-folder");
  chooser.hidden = !("webkitdirectory" in folder);
  chooser.addEventListener("click", () => folder.click());
  folder.addEventListener("change", () => {
    const files = [...folder.files];
    folder.value = "";
    if (files.length) take(xrayFiles.expand(files, true, maxBytes));
  });
  summary.querySelector("button").addEventListener("click", () => {
    const jobs = again.splice(0);
    for (const row of list.querySelectorAll(".bad:has(button)")) row.remove();
    batch.total -= jobs.length;
    batch.ended -= jobs.length;
    batch.failed -= jobs.length;
    add(jobs, { again: true });
    list.focus();
  });
  window.addEventListener("beforeunload", (event) => { if (flying || waiting.length) event.preventDefault(); });

  const stored = JSON.parse(sessionStorage.getItem(UNFINISHED) ?? "null");
  if (stored) {
    const notice = document.getElementById("unfinished");
    const missing = stored.total - stored.sent;
    notice.hidden = false;
    notice.querySelector("span").textContent = gettext(
      "%(missing)s of %(all)s files had not been sent when you left. Choose the same files again: those that have arrived are not stored twice.",
      { missing, all: stored.total },
    );
    notice.querySelector("button").addEventListener("click", () => {
      sessionStorage.removeItem(UNFINISHED);
      notice.hidden = true;
      input.focus();
    });
  }

  // The whole page is the drop target, so a near miss does not open the file in the browser.
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const isLocked = () => document.documentElement.classList.contains("locked");
  let depth = 0;
  const over = (change) => {
    depth = Math.max(0, depth + change);
    form.classList.toggle("over", depth > 0);
    document.documentElement.classList.toggle("dropping", depth > 0);
  };
  document.addEventListener("dragenter", (event) => { if (carriesFiles(event)) over(1); });
  document.addEventListener("dragleave", (event) => { if (carriesFiles(event)) over(-1); });
  document.addEventListener("dragover", (event) => { if (carriesFiles(event)) event.preventDefault(); });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    over(-depth);
    if (isLocked()) return;
    form.closest("[data-dropped]")?.removeAttribute("hidden");
    take(xrayFiles.fromDrop(event.dataTransfer, maxBytes));
  });
})();
