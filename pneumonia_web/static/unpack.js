// Finds the X-rays in what was dropped or chosen: files, folders and zip archives. An archive is read
// here, by the browser, one file at a time, so the service receives X-rays and nothing else, and an
// archive that unpacks to more than its limits costs it nothing.
globalThis.xrayFiles = (() => {
  const MAX_FILES = 500;
  const MAX_RATIO = 200;  // no X-ray is compressed to less; a black image of one level may be
  const RATIO_FROM = 1 << 20;  // bytes; below them no ratio is dangerous
  const MAX_DIRECTORY = 16 << 20;  // bytes of the table of contents
  const START = 132;  // bytes by which a DICOM file is known
  const END_RECORD = 22;
  const MAX_COMMENT = 65535;
  const [STORED, DEFLATED] = [0, 8];
  const ZIP64 = 0xffffffff;
  const HIDDEN = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$|desktop\.ini$|DICOMDIR$)/i;
  const BOMB = gettext("This archive unpacks to far more than X-rays do; nothing of it was sent.");
  const MANY = gettext("More than %(most)s files; send them in parts. None of these was sent.", { most: MAX_FILES });
  const DAMAGED = gettext("This file of the archive is damaged.");
  const BROKEN = gettext("This archive is damaged or incomplete; make it again. Nothing of it was sent.");

  class Refused extends Error {}

  // An X-ray that is read when its turn comes: `open` resolves to a Blob, `start` to its beginning.
  const wrap = (file) => ({ name: file.name, size: file.size, open: async () => file, start: async () => file });
  const isZip = (file) => /\.zip$/i.test(file.name) || /zip/.test(file.type);

  const view = async (blob) => new DataView(await blob.arrayBuffer());

  const findEnd = async (file) => {
    const start = Math.max(0, file.size - END_RECORD - MAX_COMMENT);
    const tail = await view(file.slice(start));
    for (let at = tail.byteLength - END_RECORD; at >= 0; at -= 1) {
      if (tail.getUint32(at, true) === 0x06054b50) {
        return { count: tail.getUint16(at + 10, true), size: tail.getUint32(at + 12, true), offset: tail.getUint32(at + 16, true) };
      }
    }
    throw new Refused(BROKEN);
  };

  const ofArchive = async (reading) => {
    try {
      return await reading;
    } catch (error) {
      if (error instanceof TypeError) throw new Refused(DAMAGED);  // of DecompressionStream
      throw error;
    }
  };

  // The first bytes, and no more of the rest than one chunk.
  const inflateStart = async (blob) => {
    const reader = blob.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
    const parts = [];
    for (let total = 0; total < START;) {
      const { done, value } = await reader.read();
      if (done) return new Blob(parts);
      total += value.byteLength;
      parts.push(value);
    }
    await reader.cancel();
    return new Blob(parts);
  };

  // All bytes, but at most `size`, which is what the archive states.
  const inflate = async (blob, size) => {
    const reader = blob.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
    const parts = [];
    for (let total = 0; ;) {
      const { done, value } = await reader.read();
      if (done) {
        if (total !== size) throw new Refused(DAMAGED);
        return new Blob(parts);
      }
      total += value.byteLength;
      if (total > size) {
        await reader.cancel();
        throw new Refused(gettext("This file of the archive is larger than the archive states; it was not sent."));
      }
      parts.push(value);
    }
  };

  const findPacked = async (file, entry) => {
    const head = await view(file.slice(entry.offset, entry.offset + 30));
    if (head.byteLength < 30 || head.getUint32(0, true) !== 0x04034b50) throw new Refused(DAMAGED);
    const start = entry.offset + 30 + head.getUint16(26, true) + head.getUint16(28, true);
    return file.slice(start, start + entry.packed);
  };
  const readEntry = (file, entry, read) => async () => {
    const packed = await findPacked(file, entry);
    return entry.method === STORED ? packed : ofArchive(read(packed, entry.size));
  };

  const readZip = async (file, maxBytes) => {
    const end = await findEnd(file);
    if ([end.size, end.offset].includes(ZIP64) || end.count === 0xffff) throw new Refused(MANY);
    if (end.size > MAX_DIRECTORY || end.offset + end.size > file.size) throw new Refused(BROKEN);
    const table = await view(file.slice(end.offset, end.offset + end.size));
    const found = [];
    let [at, packed] = [0, 0];
    for (let number = 0; number < end.count; number += 1) {
      if (at + 46 > table.byteLength || table.getUint32(at, true) !== 0x02014b50) throw new Refused(BROKEN);
      const length = table.getUint16(at + 28, true);
      const name = new TextDecoder().decode(new Uint8Array(table.buffer, at + 46, Math.min(length, table.byteLength - at - 46)));
      const entry = {
        flags: table.getUint16(at + 8, true),
        method: table.getUint16(at + 10, true),
        packed: table.getUint32(at + 20, true),
        size: table.getUint32(at + 24, true),
        offset: table.getUint32(at + 42, true),
      };
      at += 46 + length + table.getUint16(at + 30, true) + table.getUint16(at + 32, true);
      if (name.endsWith("/") || HIDDEN.test(name)) continue;
      if (entry.flags & 1) throw new Refused(gettext("This archive has a password; unpack it first. Nothing of it was sent."));
      if (![STORED, DEFLATED].includes(entry.method)) throw new Refused(gettext("This archive is packed in a way that is not supported; unpack it first."));
      packed += entry.packed;
      // Entries that overlap unpack the same bytes again and again.
      if (packed > file.size || entry.offset > file.size) throw new Refused(BOMB);
      if (entry.size > RATIO_FROM && entry.size > MAX_RATIO * entry.packed) throw new Refused(BOMB);
      found.push({
        name: name.slice(name.lastIndexOf("/") + 1),
        size: entry.size,
        maybe: true,
        open: readEntry(file, entry, inflate),
        start: readEntry(file, entry, inflateStart),
      });
      if (found.length > MAX_FILES) throw new Refused(MANY);
    }
    const total = found.reduce((sum, each) => sum + Math.min(each.size, maxBytes + 1), 0);
    if (total > RATIO_FROM && total > MAX_RATIO * file.size) throw new Refused(BOMB);
    return found;
  };

  // What is no X-ray by its first bytes is left out of folders and archives, not refused one by one.
  const isImage = async (file) => {
    const bytes = new Uint8Array(await (await file.start()).slice(0, START).arrayBuffer());
    const starts = (...expected) => expected.every((byte, index) => bytes[index] === byte);
    const text = (from, to) => String.fromCharCode(...bytes.slice(from, to));
    return starts(0xff, 0xd8, 0xff) || text(0, 4) === "\x89PNG" || ["II*\0", "MM\0*"].includes(text(0, 4))
      || text(128, 132) === "DICM" || starts(2, 0) || starts(8, 0);
  };

  const readFolder = async (folder) => {
    const [reader, found] = [folder.createReader(), []];
    for (;;) {
      // A reader gives a hundred entries at a time.
      const part = await new Promise((resolve, reject) => { reader.readEntries(resolve, reject); });
      if (!part.length) return found;
      for (const entry of part) {
        if (HIDDEN.test(entry.name)) continue;
        if (entry.isDirectory) found.push(...await readFolder(entry));
        else found.push(await new Promise((resolve, reject) => { entry.file(resolve, reject); }));
        if (found.length > MAX_FILES) throw new Refused(MANY);
      }
    }
  };

  // Resolves to {files, refused: [{name, sentence}]}; `maybe` marks files that may be no X-rays.
  const expand = async (files, fromFolder, maxBytes) => {
    const [found, refused] = [[], []];
    for (const file of files) {
      try {
        if (isZip(file)) found.push(...await readZip(file, maxBytes));
        else if (!fromFolder || !HIDDEN.test(file.webkitRelativePath || file.name)) found.push({ ...wrap(file), maybe: fromFolder });
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        refused.push({ name: file.name, sentence: error.message });
      }
    }
    if (found.length > MAX_FILES) return { files: [], refused: [...refused, { name: gettext("%(number)s files", { number: found.length }), sentence: MANY }] };
    return { files: found, refused };
  };

  // What a drop carries. Its entries must be taken before the first wait.
  const fromDrop = (transfer, maxBytes) => {
    const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry?.isDirectory);
    const plain = [...transfer.files].filter((file) => !entries.some((entry) => entry.name === file.name));
    return (async () => {
      const all = await expand(plain, false, maxBytes);
      for (const folder of entries) {
        try {
          const inside = await expand(await readFolder(folder), true, maxBytes);
          all.files.push(...inside.files);
          all.refused.push(...inside.refused);
        } catch (error) {
          if (!(error instanceof Refused)) throw error;
          all.refused.push({ name: folder.name, sentence: error.message });
        }
      }
      return all;
    })();
  };

  return { expand, fromDrop, isImage, Refused };
})();
