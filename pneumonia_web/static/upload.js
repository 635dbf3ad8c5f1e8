// Sends X-rays one after the other, by drop or dialog, and shows how far each is.
// Without this script the form still sends one.
(() => {
  const form = document.getElementById("upload");
  const input = form.elements.xray;
  const list = document.getElementById("sending");
  const megabyte = 1024 * 1024;

  const show = (name) => {
    const item = document.createElement("li");
    item.innerHTML = '<span class="name"></span><progress max="1"></progress><span class="state"></span>';
    item.querySelector(".name").textContent = name;
    list.prepend(item);
    return {
      progress: (share) => { item.querySelector("progress").value = share; },
      working: () => {
        item.querySelector("progress").removeAttribute("value");
        item.querySelector(".state").textContent = "Judging …";
      },
      end: (state, text, url) => {
        item.className = state;
        item.querySelector("progress").remove();
        const place = item.querySelector(".state");
        if (!url) { place.textContent = text; return; }
        const link = document.createElement("a");
        link.href = url;
        link.textContent = text;
        place.replaceChildren(link);
      },
    };
  };

  const send = (file) => new Promise((resolve) => {
    const row = show(file.name);
    const limit = Number(form.dataset.maxBytes);
    if (file.size > limit) {
      row.end("bad", `Larger than ${limit / megabyte} MB; export it smaller, or as JPEG.`);
      resolve(null);
      return;
    }
    const body = new FormData();
    body.set("reference", form.elements.reference.value);
    body.set("xray", file, "xray");  // the file's own name may be a patient's: it stays here
    const request = new XMLHttpRequest();
    request.open("POST", form.action);
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("X-CSRFToken", form.elements.csrf_token.value);
    request.responseType = "json";
    request.upload.onprogress = (event) => row.progress(event.loaded / event.total);
    request.upload.onload = row.working;
    request.onerror = () => {
      row.end("bad", "The connection broke; nothing was lost, send it again.");
      resolve(null);
    };
    request.onload = () => {
      const answer = request.response ?? {};
      if (request.status === 401 && answer.url) window.location = answer.url;
      if (request.status >= 400) {
        row.end("bad", answer.error ?? "The service is not answering; try again in half a minute.");
        resolve(null);
        return;
      }
      const texts = { done: "See the result", queued: "Waiting: see the result", rejected: answer.reason };
      row.end(answer.status === "done" ? "good" : "", texts[answer.status] ?? answer.reason, answer.url);
      resolve(answer.url);
    };
    request.send(body);
  });

  const sendAll = async (files) => {
    form.classList.add("busy");
    let url = null;
    for (const file of files) url = await send(file);
    form.classList.remove("busy");
    input.value = "";
    // One X-ray: straight to its result. Several: the worklist below fills by itself.
    if (files.length === 1 && url) window.location = url;
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!form.classList.contains("busy")) sendAll([...input.files]);
  });
  input.addEventListener("change", () => { if (input.files.length) form.requestSubmit(); });

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
    const files = [...event.dataTransfer.files];
    if (files.length && !form.classList.contains("busy")) sendAll(files);
  });
})();
