// A worker: fetches the film at full depth and decodes it, while the page stays responsive. A canvas
// would leave 8 bits of 16, so the PNG is read here: only the kind that model/reading/full_film.py
// writes, grey with the filter Up in every row. Whatever differs is an error, and the preview stays.
"use strict";
const SIGNATURE = 0x89504e470d0a1a0an;
const UP = 2;
const LEAST_SIDE = 256;  // of the smallest of the reduced copies
const PAUSES_MS = [300, 700, 1500, 3000];  // the film follows the result

// Chunks by name; IDAT is joined. CRCs are not checked: zlib's own sum covers what is inflated.
const readChunks = (bytes) => {
  const view = new DataView(bytes);
  if (view.getBigUint64(0) !== SIGNATURE) throw new Error("not a PNG");
  const chunks = new Map();
  for (let at = 8; at + 12 <= bytes.byteLength;) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...new Uint8Array(bytes, at + 4, 4));
    const part = new Uint8Array(bytes, at + 8, length);
    chunks.set(name, [...(chunks.get(name) ?? []), part]);
    at += 12 + length;
  }
  if (!chunks.has("IEND")) throw new Error("a PNG without its end");
  return chunks;
};

// Exactly `size` bytes, or an error; without a size, all.
const inflate = async (parts, size) => {
  const stream = new Blob(parts).stream().pipeThrough(new DecompressionStream("deflate"));
  if (!size) return new Uint8Array(await new Response(stream).arrayBuffer());
  const out = new Uint8Array(size);
  let filled = 0;
  for (const reader = stream.getReader();;) {
    const { done, value } = await reader.read();
    if (done) break;
    out.set(value, filled);  // throws beyond the end
    filled += value.length;
  }
  if (filled !== size) throw new Error("a PNG with too few pixels");
  return out;
};

// Undoes the filter and joins high and low bytes.
const unfilter = (data, width, height, depth) => {
  const stride = width * depth + 1;
  const values = depth === 2 ? new Uint16Array(width * height) : new Uint8Array(width * height);
  for (let row = 0, to = 0; row < height; row += 1) {
    const start = row * stride;
    if (data[start] !== UP) throw new Error("a PNG with another filter");
    if (row) {
      for (let at = start + 1, above = at - stride; at < start + stride; at += 1, above += 1) data[at] += data[above];
    }
    if (depth === 1) {
      values.set(data.subarray(start + 1, start + stride), to);
      to += width;
    } else {
      for (let at = start + 1; at < start + stride; at += 2, to += 1) values[to] = data[at] << 8 | data[at + 1];
    }
  }
  return values;
};

// Half the width and height, each value the mean of four.
const halve = ({ values, width, height }) => {
  const [across, down] = [width >> 1, height >> 1];
  const half = new values.constructor(across * down);
  for (let row = 0, to = 0; row < down; row += 1) {
    let at = 2 * row * width;
    for (let column = 0; column < across; column += 1, to += 1, at += 2) {
      half[to] = (values[at] + values[at + 1] + values[at + width] + values[at + width + 1] + 2) >> 2;
    }
  }
  return { values: half, width: across, height: down };
};

const reduce = (full) => {
  const levels = [full];
  while (Math.min(levels.at(-1).width, levels.at(-1).height) >= 2 * LEAST_SIDE) levels.push(halve(levels.at(-1)));
  return levels;
};

const decode = async (bytes) => {
  const chunks = readChunks(bytes);
  const [head] = chunks.get("IHDR");
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const [width, height, bits] = [view.getUint32(0), view.getUint32(4), view.getUint8(8)];
  if (![8, 16].includes(bits) || view.getUint32(9)) throw new Error("a PNG of another kind");
  const depth = bits / 8;
  const [about, data] = await Promise.all([
    inflate(chunks.get("fiLM")), inflate(chunks.get("IDAT"), (width * depth + 1) * height),
  ]);
  const end = about.indexOf(10);
  const numbers = JSON.parse(new TextDecoder().decode(about.subarray(0, end)));
  const values = unfilter(data, width, height, depth);
  return { ...numbers, table: about.slice(end + 1), levels: reduce({ values, width, height }) };
};

const load = async (url, pauses = PAUSES_MS) => {
  const answer = await fetch(url, { headers: { Accept: "image/png, application/json;q=0.1" } });
  if (answer.status === 404 && pauses.length) {
    await new Promise((resolve) => { setTimeout(resolve, pauses[0]); });
    return load(url, pauses.slice(1));
  }
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return decode(await answer.arrayBuffer());
};

addEventListener("message", async ({ data }) => {
  try {
    const film = await load(data.url);
    postMessage({ film }, [film.table.buffer, ...film.levels.map((level) => level.values.buffer)]);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    postMessage({ problem: error.message });
  }
});
