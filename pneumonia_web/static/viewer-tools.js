// What pointer, fingers and arrow keys do to a film: the chosen tool's work, or pan and zoom. The ruler
// and the loupe draw on canvases above the film.
globalThis.FilmTools = class FilmTools {
  static STEP = 10;  // pixels of the page for an arrow key
  static LOUPE = 190;  // its diameter, in pixels of the page
  static KINDS = {
    calibrated: gettext("%(length)s mm in the patient"),
    detector: gettext("%(length)s mm on the detector"),
    unstated: gettext("%(length)s mm; the file does not say where"),
  };

  static LENGTH = new Intl.NumberFormat(pageLocale, { minimumFractionDigits: 1, maximumFractionDigits: 1, useGrouping: false });

  constructor(view) {
    this.view = view;
    this.root = view.root;
    this.tool = "window";
    this.ruler = null;  // two points in pixels of the film
    this.place = null;  // of the loupe, or of an arrow key's ruler, on the page
    this.fingers = new Map();
    this.marks = this.root.querySelector("canvas.marks");
    this.loupe = this.root.querySelector("canvas.loupe");
    view.addEventListener("drawn", () => this.draw());
    const { canvas } = view;
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, (event) => this.#release(event));
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    canvas.addEventListener("dblclick", () => view.change(view.state.zoom === 1 && !view.state.actual ? { actual: true } : { zoom: 1, actual: false, x: 0.5, y: 0.5 }));
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      view.zoomBy(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event);
    }, { passive: false });
  }

  choose(tool) {
    this.tool = tool;
    this.root.dataset.tool = tool;
    this.clear();
  }

  // Whether there is a ruler or a loupe to remove.
  get placed() { return Boolean(this.ruler || this.place); }

  clear() {
    [this.ruler, this.place] = [null, null];
    this.draw();
  }

  // One finger scrolls the page, until the film is enlarged or a tool was chosen.
  #takes(event) { return event.pointerType !== "touch" || "grab" in this.root.dataset || this.view.scale > 1.01 * this.view.fit; }

  #press(event) {
    if (!this.view.film) return;
    this.fingers.set(event.pointerId, event);
    this.view.canvas.setPointerCapture(event.pointerId);
    this.panning = event.button > 0;
    if (this.fingers.size > 1 || !this.#takes(event)) return;
    event.preventDefault();
    this.view.canvas.focus({ preventScroll: true });
    if (this.tool === "ruler" && !this.panning) this.ruler = [this.view.at(event), this.view.at(event)];
    if (this.tool === "loupe" && !this.panning) this.place = event;
    this.draw();
  }

  #move(event) {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    this.fingers.set(event.pointerId, event);
    const [right, down] = [event.clientX - before.clientX, event.clientY - before.clientY];
    if (this.fingers.size === 2) {
      this.#pinch(before, event);
    } else if (this.fingers.size === 1 && this.#takes(event)) {
      if (this.panning) this.view.panBy(right, down);
      else this.#drag(right, down, event);
    }
  }

  #pinch(before, event) {
    const [other] = [...this.fingers.values()].filter((finger) => finger.pointerId !== event.pointerId);
    const apart = (finger) => Math.hypot(finger.clientX - other.clientX, finger.clientY - other.clientY);
    const middle = { clientX: (event.clientX + other.clientX) / 2, clientY: (event.clientY + other.clientY) / 2 };
    this.view.zoomBy(apart(event) / Math.max(apart(before), 1), middle);
    this.view.panBy((event.clientX - before.clientX) / 2, (event.clientY - before.clientY) / 2);
  }

  #release(event) {
    this.fingers.delete(event.pointerId);
    if (this.tool === "loupe" && this.place?.pointerId !== undefined) this.clear();
  }

  #drag(right, down, place) {
    if (this.tool === "pan") this.view.panBy(right, down);
    else if (this.tool === "window") this.view.windowBy(right, down);
    else {
      if (this.tool === "ruler") this.ruler = [this.ruler?.[0] ?? this.view.at(place), this.view.at(place)];
      else this.place = place;
      this.draw();
    }
  }

  // An arrow key drags from where the last one ended; at first from the middle of the film.
  press(key, fine) {
    const step = fine ? 1 : FilmTools.STEP;
    const [right, down] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[key];
    const { left, top, width, height } = this.view.canvas.getBoundingClientRect();
    const from = this.place ?? { clientX: left + width / 2, clientY: top + height / 2 };
    if (this.tool === "ruler") this.ruler ??= [this.view.at(from), this.view.at(from)];
    const place = { clientX: from.clientX + right, clientY: from.clientY + down };
    if (this.tool === "ruler" || this.tool === "loupe") this.place = place;
    this.#drag(right, down, place);
  }

  // In words, for the reader: what the ruler measures.
  measure() {
    if (!this.ruler) return "";
    const [[left, top], [right, bottom]] = this.ruler;
    const pixels = Math.hypot(right - left, bottom - top);
    const { spacing, kind, full } = this.view.film;
    if (spacing) return FilmTools.KINDS[kind].replace("%(length)s ", `${FilmTools.LENGTH.format(pixels * spacing)}\u00a0`);
    const number = Math.round(pixels);
    return full ? gettext("%(number)s pixels; the file has no scale", { number }) : gettext("%(number)s pixels of the preview", { number });
  }

  draw() {
    const { canvas } = this.view;
    if (!this.view.film) return;
    if (this.marks.width !== canvas.width || this.marks.height !== canvas.height) {
      Object.assign(this.marks, { width: canvas.width, height: canvas.height });
    }
    const context = this.marks.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (this.ruler) this.#drawRuler(context);
    this.loupe.hidden = this.tool !== "loupe" || !this.place;
    if (!this.loupe.hidden) this.#drawLoupe();
    this.root.dispatchEvent(new CustomEvent("measured", { detail: this.measure() }));
  }

  #drawRuler(context) {
    const [a, b, c, d, e, f] = filmRaster.toCanvas(this.view.view, this.view.canvas.width, this.view.canvas.height);
    const [from, to] = this.ruler.map(([x, y]) => [a * x + c * y + e, b * x + d * y + f]);
    const length = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1;
    const tick = 7 * devicePixelRatio;
    const [across, along] = [(to[1] - from[1]) / length * tick, (to[0] - from[0]) / length * tick];
    const path = new Path2D();
    for (const [x, y] of [from, to]) {
      path.moveTo(x - across, y + along);
      path.lineTo(x + across, y - along);
    }
    path.moveTo(...from);
    path.lineTo(...to);
    for (const [colour, width] of [["#000", 5], ["#fff", 2]]) {
      Object.assign(context, { strokeStyle: colour, lineWidth: width * devicePixelRatio, lineCap: "round" });
      context.stroke(path);
    }
  }

  #drawLoupe() {
    const { view } = this;
    const { left, top, width } = view.canvas.getBoundingClientRect();
    const side = Math.round(FilmTools.LOUPE * devicePixelRatio);
    const [x, y] = view.at(this.place);
    if (this.loupe.width !== side) Object.assign(this.loupe, { width: side, height: side });
    const scale = Math.max(2.5 * view.scale, 1);
    this.loupe.getContext("2d").putImageData(view.render(side, side, { ...view.view, x, y, scale }), 0, 0);
    this.loupe.style.left = `${Math.min(Math.max(this.place.clientX - left, 0), width)}px`;
    this.loupe.style.top = `${this.place.clientY - top}px`;
  }
};
