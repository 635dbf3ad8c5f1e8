// One film on the page: its pixels, and the view of it that the reader has chosen. It begins with the
// preview, which is on the page anyway, and goes on with the film at full depth when that is there.
globalThis.FilmView = class FilmView extends EventTarget {
  static MOST_SCALE = 16;  // canvas pixels for one of the film's
  static QUICK_PIXELS = 1.6e6;  // above, a canvas is drawn coarsely while it moves
  static SETTLE_MS = 120;

  // Shares of the film's own values at the ends of a window: X-rays have no common unit.
  static PRESETS = { lung: [0.02, 0.6], soft: [0.2, 0.92], bone: [0.45, 0.999] };

  static START = {
    x: 0.5, y: 0.5, zoom: 1, actual: false, turn: 0, flip: false, inverted: false, window: null, preset: "stored",
  };

  #pixels = null;
  #settle = 0;
  #asked = false;

  constructor(root) {
    super();
    this.root = root;
    this.image = root.querySelector("img");
    this.canvas = root.querySelector("canvas.pixels");
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.state = { ...FilmView.START };
    this.film = null;
    new ResizeObserver(() => this.refresh()).observe(root);
    this.#load();
  }

  // The preview by the browser, the film by a worker.
  async #load() {
    const worker = new Worker(this.root.dataset.decoder);
    worker.addEventListener("message", ({ data }) => {
      if (data.film) this.show({ full: true, ...data.film });
      else this.root.dataset.depth = "preview";
      worker.terminate();
    });
    const failed = await this.image.decode().catch((error) => {
      if (!(error instanceof DOMException)) throw error;
      return true;
    });
    if (failed) {
      this.image.addEventListener("load", () => this.#load(), { once: true });  // tried again (film.js)
      worker.terminate();
      return;
    }
    worker.postMessage({ url: new URL(this.root.dataset.film, location.href).href });
    if (!this.film) this.show(this.#readPreview());
  }

  #readPreview() {
    const { naturalWidth: width, naturalHeight: height } = this.image;
    const canvas = new OffscreenCanvas(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(this.image, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    const values = Uint8Array.from({ length: width * height }, (_, at) => data[4 * at]);
    const table = Uint8Array.from({ length: 256 }, (_, grey) => grey);
    return { levels: [{ values, width, height }], table, low: 0, high: 255, spacing: null, kind: "unstated", full: false };
  }

  show(film) {
    this.film = film;
    this.root.dataset.depth = film.full ? "full" : "preview";
    this.#useWindow();
    this.#draw();
    this.canvas.hidden = false;
  }

  get size() { return this.film.levels[0]; }

  // Canvas pixels for one of the film's when all of it is shown.
  get fit() {
    const [across, down] = this.state.turn % 2 ? ["height", "width"] : ["width", "height"];
    return Math.min(this.canvas.width / this.size[across], this.canvas.height / this.size[down]);
  }

  get scale() { return this.state.actual ? 1 : this.state.zoom * this.fit; }

  // What two films side by side share, whatever their sizes: shares of the film, and of what fits.
  get placing() {
    const { x, y, turn, flip } = this.state;
    return { x, y, zoom: this.scale / this.fit, turn, flip };
  }

  // For the rasteriser: in pixels of the film and of the canvas.
  get view() {
    const { x, y, turn, flip } = this.state;
    return { x: x * this.size.width, y: y * this.size.height, scale: this.scale, turn, flip };
  }

  // The film's pixel at a place of the page.
  at({ clientX, clientY }) {
    const { left, top, width } = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / width;
    return filmRaster.toFilm(this.view, this.canvas.width, this.canvas.height, (clientX - left) * ratio, (clientY - top) * ratio);
  }

  change(changes, quick = false) {
    if (!this.film) return;
    const before = this.placing;
    Object.assign(this.state, changes);
    const { state } = this;
    state.x = Math.min(Math.max(state.x, 0), 1);
    state.y = Math.min(Math.max(state.y, 0), 1);
    if ("window" in changes || "inverted" in changes) this.#useWindow();
    this.refresh(quick);
    this.dispatchEvent(new CustomEvent("changed", { detail: { before, changes, quick } }));
  }

  // Around a place of the page, which keeps what it shows; around the middle without one.
  zoomBy(factor, place = null) {
    const before = place && this.at(place);
    const { fit } = this;
    const scale = Math.min(Math.max(this.scale * factor, Math.min(fit, 1)), Math.max(FilmView.MOST_SCALE, fit));
    this.change({ zoom: scale / fit, actual: false }, true);
    if (!before) return;
    const after = this.at(place);
    this.change({
      x: this.state.x + (before[0] - after[0]) / this.size.width, y: this.state.y + (before[1] - after[1]) / this.size.height,
    }, true);
  }

  // By pixels of the page: what is under the pointer stays there.
  panBy(right, down) {
    const { left, top } = this.canvas.getBoundingClientRect();
    const [from, to] = [[0, 0], [right, down]].map(([x, y]) => this.at({ clientX: left + x, clientY: top + y }));
    this.change({
      x: this.state.x + (from[0] - to[0]) / this.size.width, y: this.state.y + (from[1] - to[1]) / this.size.height,
    }, true);
  }

  // The window as two values of the film; that of the file is a table, which this line is nearest to.
  get window() { return this.state.window ?? { low: this.film.low, high: this.film.high }; }

  // To the right wider, up brighter.
  windowBy(right, down) {
    const { low, high } = this.window;
    const width = Math.min(Math.max((high - low) * Math.exp(right / 250), 1), 4 * this.film.table.length);
    const middle = (low + high) / 2 + down * width / 400;
    const most = this.film.table.length;
    const level = Math.min(Math.max(middle, -most / 2), 1.5 * most);
    this.change({ window: { low: level - width / 2, high: level + width / 2 }, preset: "own" }, true);
  }

  usePreset(name) {
    if (!this.film) return;
    const shares = FilmView.PRESETS[name];
    this.change({ preset: name, window: shares ? this.#between(...shares) : null });
  }

  #between(lowest, highest) {
    const { values } = this.film.levels.at(-1);
    const sorted = values.slice().sort();
    const [low, high] = [lowest, highest].map((share) => sorted[Math.floor(share * (sorted.length - 1))]);
    return { low, high: Math.max(high, low + 1) };
  }

  #useWindow() {
    if (!this.film) return;
    // What the reader set on the preview is not in the units of the film.
    if (this.state.window && this.windowOf !== this.film) {
      const scale = this.windowOf ? (this.film.high - this.film.low) / (this.windowOf.high - this.windowOf.low) : 1;
      const move = (value) => this.film.low + (value - (this.windowOf ?? this.film).low) * scale;
      this.state.window = { low: move(this.state.window.low), high: move(this.state.window.high) };
    }
    this.windowOf = this.film;
    this.lut = filmRaster.makeLut(this.film.table, this.state.window ?? {}, this.state.inverted);
  }

  refresh(quick = false) {
    if (!this.film) return;
    this.quick = quick;
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#draw();
    });
  }

  #draw() {
    const { canvas } = this;
    const ratio = devicePixelRatio;
    const [width, height] = [Math.round(canvas.parentElement.clientWidth * ratio), Math.round(canvas.parentElement.clientHeight * ratio)];
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const coarse = this.quick && width * height > FilmView.QUICK_PIXELS ? Math.ceil(Math.sqrt(width * height / FilmView.QUICK_PIXELS)) : 1;
    const drawn = this.render(Math.ceil(width / coarse), Math.ceil(height / coarse), { ...this.view, scale: this.view.scale / coarse });
    if (coarse === 1) {
      this.context.putImageData(drawn, 0, 0);
    } else {
      this.buffer ??= new OffscreenCanvas(1, 1);
      Object.assign(this.buffer, { width: drawn.width, height: drawn.height });
      this.buffer.getContext("2d").putImageData(drawn, 0, 0);
      this.context.drawImage(this.buffer, 0, 0, drawn.width * coarse, drawn.height * coarse);
      clearTimeout(this.#settle);
      this.#settle = setTimeout(() => this.refresh(), FilmView.SETTLE_MS);
    }
    this.dispatchEvent(new Event("drawn"));
  }

  // Another picture of the film, such as for a loupe; the pixels are reused by the next call.
  render(width, height, view) {
    if (this.#pixels?.width !== width || this.#pixels?.height !== height) this.#pixels = new ImageData(width, height);
    filmRaster.draw(this.film.levels, this.lut, view, width, height, new Uint32Array(this.#pixels.data.buffer));
    return this.#pixels;
  }
};
