// Draws the part of a film that a view shows: looks up every pixel of the canvas, and no other, in the
// film's values. A view is {x, y, scale, turn, flip}: the film's point x, y (in its pixels) is in the
// middle of the canvas, which has `scale` pixels for each of the film's; the film is mirrored if `flip`,
// and then turned clockwise by `turn` quarters.
globalThis.filmRaster = (() => {
  const BLACK = 0xff000000;

  // What a step of one pixel to the right on the canvas is on the film, and one down.
  const steps = ({ scale, turn, flip }) => {
    const mirrored = flip ? -1 : 1;
    const [across, down] = [[1, 0, 0, 1], [0, -1, 1, 0], [-1, 0, 0, -1], [0, 1, -1, 0]][turn]
      .map((value) => value / scale)
      .reduce((pairs, value, index) => { pairs[index >> 1].push(value); return pairs; }, [[], []]);
    // Rows of the table: film x by canvas x and y, film y by canvas x and y.
    return { xx: across[0] * mirrored, xy: across[1] * mirrored, yx: down[0], yy: down[1] };
  };

  const toFilm = (view, width, height, left, top) => {
    const { xx, xy, yx, yy } = steps(view);
    const [right, down] = [left - width / 2, top - height / 2];
    return [view.x + xx * right + xy * down, view.y + yx * right + yy * down];
  };

  // As the six numbers of a canvas's setTransform: film pixels to canvas pixels.
  const toCanvas = (view, width, height) => {
    const { xx, xy, yx, yy } = steps(view);
    const square = view.scale ** 2;  // the inverse of a scaled rotation is its transpose
    const [a, b, c, d] = [xx * square, xy * square, yx * square, yy * square];
    return [a, b, c, d, width / 2 - a * view.x - c * view.y, height / 2 - b * view.x - d * view.y];
  };

  // At a scale of 1 the pixels of film and canvas coincide, so that nothing is interpolated.
  const snap = (view, width, height) => {
    if (view.scale !== 1) return view;
    const [across, down] = view.turn % 2 ? [height, width] : [width, height];
    return { ...view, x: Math.round(view.x - across / 2) + across / 2, y: Math.round(view.y - down / 2) + down / 2 };
  };

  // For each pixel along one side of the canvas: offsets of the two values that it lies between, and the
  // weight of the second. Pixels from `first` to `last` show the film.
  const sample = (count, start, step, size, stride) => {
    const [low, high, weight] = [new Int32Array(count), new Int32Array(count), new Float32Array(count)];
    let [first, last] = [count, 0];
    for (let at = 0; at < count; at += 1) {
      const place = start + step * (at + 0.5);
      if (place >= 0 && place < size) {
        if (at < first) first = at;
        last = at + 1;
      }
      const centred = Math.min(Math.max(place - 0.5, 0), size - 1);
      const floor = Math.floor(centred);
      low[at] = floor * stride;
      high[at] = Math.min(floor + 1, size - 1) * stride;
      weight[at] = centred - floor;
    }
    return { low, high, weight, first, last };
  };

  // Fills `out` (width x height, Uint32) with the colours that `lut` has for the values.
  const draw = (levels, lut, wanted, width, height, out) => {
    const view = snap(wanted, width, height);
    // The copy with one to two of its pixels for each of the canvas's, or the film itself.
    const halvings = Math.max(0, Math.min(levels.length - 1, Math.floor(Math.log2(1 / view.scale))));
    const { values, width: across, height: down } = levels[halvings];
    const shrink = 1 / (1 << halvings);
    const { xx, xy, yx, yy } = steps(view);
    const [x, y] = toFilm(view, width, height, 0, 0);
    const turned = view.turn % 2 === 1;
    const columns = turned
      ? sample(width, y * shrink, yx * shrink, down, across)
      : sample(width, x * shrink, xx * shrink, across, 1);
    const rows = turned
      ? sample(height, x * shrink, xy * shrink, across, 1)
      : sample(height, y * shrink, yy * shrink, down, across);
    out.fill(BLACK);
    const { low, high, weight, first, last } = columns;
    const exact = view.scale === 1;
    for (let row = rows.first; row < rows.last; row += 1) {
      const above = rows.low[row];
      const below = rows.high[row];
      const share = rows.weight[row];
      let to = row * width + first;
      if (exact) {
        for (let column = first; column < last; column += 1, to += 1) out[to] = lut[values[above + low[column]]];
        continue;
      }
      for (let column = first; column < last; column += 1, to += 1) {
        const left = low[column];
        const right = high[column];
        const part = weight[column];
        const top = values[above + left] + (values[above + right] - values[above + left]) * part;
        const bottom = values[below + left] + (values[below + right] - values[below + left]) * part;
        out[to] = lut[(top + (bottom - top) * share + 0.5) | 0];
      }
    }
  };

  // Colours by value: through the film's own table, or from black at `low` to white at `high`.
  const makeLut = (table, { low, high } = {}, inverted = false) => {
    const lut = new Uint32Array(table.length);
    for (let value = 0; value < table.length; value += 1) {
      let grey = table[value];
      if (low !== undefined) grey = Math.round(255 * Math.min(Math.max((value - low) / (high - low), 0), 1));
      if (inverted) grey = 255 - grey;
      lut[value] = BLACK | grey << 16 | grey << 8 | grey;
    }
    return lut;
  };

  return { draw, makeLut, toFilm, toCanvas };
})();
