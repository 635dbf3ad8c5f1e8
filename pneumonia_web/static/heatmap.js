// The heat map (rows of numbers from 0 to 1) over the film: off until asked for, then colours whose
// luminance rises with the strength, and contours at 50 and 80 % of the strongest place. It follows the
// view of the film. The checkbox shows it, the slider sets the opacity of the colours.
(() => {
  const CHOICE = "heat";
  const CONTOURS = [0.5, 0.8];
  const SIDE = 128;  // of the picture of the colours, in pixels

  // matplotlib's inferno (CC0): even steps of lightness, also for colour-blind people and in grey.
  const STOPS = [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]];
  const colour = (strength) => {
    const at = Math.min(strength * (STOPS.length - 1), STOPS.length - 1.001);
    const [from, to] = [STOPS[Math.floor(at)], STOPS[Math.floor(at) + 1]];
    return [...from.map((value, index) => value + (to[index] - value) * (at % 1)), 255 * (0.35 + 0.65 * strength)];
  };

  // The strength at a place of the film, x and y from 0 to 1, as a share of the strongest.
  const field = (rows) => {
    const most = Math.max(...rows.flat(), 1e-6);
    const [height, width] = [rows.length, rows[0].length];
    const split = (share, count) => {
      const at = Math.min(Math.max(share * count - 0.5, 0), count - 1);
      const floor = Math.min(Math.floor(at), Math.max(count - 2, 0));
      return [floor, Math.min(floor + 1, count - 1), at - floor];
    };
    return (x, y) => {
      const [[left, right, across], [top, bottom, down]] = [split(x, width), split(y, height)];
      const upper = rows[top][left] + (rows[top][right] - rows[top][left]) * across;
      const lower = rows[bottom][left] + (rows[bottom][right] - rows[bottom][left]) * across;
      return (upper + (lower - upper) * down) / most;
    };
  };

  const paint = (strength) => {
    const grid = new OffscreenCanvas(SIDE, SIDE);
    const pixels = new ImageData(SIDE, SIDE);
    for (let at = 0; at < SIDE * SIDE; at += 1) {
      pixels.data.set(colour(strength((at % SIDE + 0.5) / SIDE, (Math.floor(at / SIDE) + 0.5) / SIDE)), 4 * at);
    }
    grid.getContext("2d").putImageData(pixels, 0, 0);
    return grid;
  };

  // Where the field has a level: in each cell of a lattice, lines between the crossed edges.
  const trace = (strength, level) => {
    const path = new Path2D();
    const corners = [[0, 0], [1, 0], [1, 1], [0, 1]];
    for (let cell = 0; cell < SIDE * SIDE; cell += 1) {
      const points = corners.map(([x, y]) => [(cell % SIDE + x) / SIDE, (Math.floor(cell / SIDE) + y) / SIDE]);
      const above = points.map(([x, y]) => strength(x, y) - level);
      const crossed = [];
      for (let from = 0; from < 4; from += 1) {
        const to = (from + 1) % 4;
        if (above[from] >= 0 === above[to] >= 0) continue;
        const share = above[from] / (above[from] - above[to]);
        crossed.push(points[from].map((value, axis) => value + (points[to][axis] - value) * share));
      }
      for (let pair = 0; pair + 1 < crossed.length; pair += 2) {
        path.moveTo(...crossed[pair]);
        path.lineTo(...crossed[pair + 1]);
      }
    }
    return path;
  };

  const start = (view) => {
    const heat = view.root.querySelector("canvas.heat");
    if (!heat) return;
    const lines = view.root.querySelector("canvas.contours");
    const box = document.getElementById("heat");
    const slider = document.getElementById("opacity");
    const sentence = document.querySelector(".strongest");
    const strength = field(JSON.parse(heat.dataset.heatmap));
    let grid;
    let paths;

    const draw = () => {
      if (!box.checked || !view.film) return;
      grid ??= paint(strength);
      paths ??= CONTOURS.map((level) => trace(strength, level));
      const { width, height } = view.canvas;
      const [a, b, c, d, e, f] = filmRaster.toCanvas(view.view, width, height);
      const { width: across, height: down } = view.size;
      const matrix = new DOMMatrix([a * across, b * across, c * down, d * down, e, f]);  // of the unit square
      for (const canvas of [heat, lines]) Object.assign(canvas, { width, height });
      const context = heat.getContext("2d");
      context.setTransform(matrix);
      context.imageSmoothingQuality = "high";
      context.drawImage(grid, 0, 0, 1, 1);
      const pen = lines.getContext("2d");
      paths.forEach((path, index) => {
        const placed = new Path2D();
        placed.addPath(path, matrix);
        for (const [tone, weight] of [["#000", 4 + 1.5 * index], ["#fff", 1.5 + index]]) {
          Object.assign(pen, { strokeStyle: tone, lineWidth: weight * devicePixelRatio, lineCap: "round" });
          pen.stroke(placed);
        }
      });
    };

    const show = () => {
      [heat.hidden, lines.hidden] = [!box.checked, !box.checked];
      heat.style.opacity = slider.value / 100;
      slider.nextElementSibling.value = gettext("%(number)s %%", { number: slider.value });
      sentence.textContent = box.checked ? sentence.dataset.sentence : "";
      // The choice holds for the next films of this tab.
      sessionStorage.setItem(CHOICE, box.checked ? "1" : "");
      draw();
    };
    box.addEventListener("input", show);
    slider.addEventListener("input", () => { box.checked = true; show(); });
    view.addEventListener("drawn", draw);
    box.checked = Boolean(sessionStorage.getItem(CHOICE));
    show();
  };
  document.addEventListener("viewer", ({ detail }) => start(detail));
})();
