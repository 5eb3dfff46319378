/* A picture file becomes what the first network sees: grey, 192 x 192, as Python makes it. */
(() => {
  "use strict";
  const SIDE = 192, SMALLEST = 28, MOST = 50e6;

  /* Brightness of colour by ITU-R BT.601 with Pillow's weights. */
  const luma = (rgba) => {
    const grey = new Uint8Array(rgba.length / 4);
    for (let i = 0; i < grey.length; i += 1) {
      grey[i] = (rgba[4 * i] * 19595 + rgba[4 * i + 1] * 38470 + rgba[4 * i + 2] * 7471 + 0x8000) >>> 16;
    }
    return grey;
  };

  /* Pillow's triangle filter, widened when it shrinks, in whole numbers of 1/2^22. */
  const weights = (from, to) => {
    const scale = from / to;
    const support = Math.max(scale, 1);
    const narrow = 1 / support;
    return Array.from({ length: to }, (_, out) => {
      const centre = (out + 0.5) * scale;
      const first = Math.max(0, Math.trunc(centre - support + 0.5));
      const last = Math.min(from, Math.trunc(centre + support + 0.5));
      const raw = [];
      for (let i = first; i < last; i += 1) raw.push(Math.max(0, 1 - Math.abs((i - centre + 0.5) * narrow)));
      const sum = raw.reduce((a, b) => a + b, 0);
      return { first, of: raw.map((w) => Math.trunc(0.5 + (w / sum) * 2 ** 22)) };
    });
  };
  /* Along one direction: `from` values become `to`, in each of `lines` lines. */
  const pass = (grey, from, to, lines, step, line) => {
    const table = weights(from, to);
    const result = new Uint8Array(to * lines);
    const along = step === 1;
    for (let l = 0; l < lines; l += 1) {
      for (let out = 0; out < to; out += 1) {
        const { first, of } = table[out];
        let sum = 2 ** 21;
        for (let i = 0; i < of.length; i += 1) sum += of[i] * grey[(first + i) * step + l * line];
        result[along ? l * to + out : out * lines + l] = Math.max(0, Math.min(255, Math.floor(sum / 2 ** 22)));
      }
    }
    return result;
  };
  /* Across, then down; Pillow 13 goes down first where that leaves much less to do, and the
     rounding in between differs by a grey. The rule was measured, for squares of this size. */
  const resize = (grey, h, w) => {
    const across = (from, rows) => (w === SIDE ? from : pass(from, w, SIDE, rows, 1, w));
    const down = (from, columns) => (h === SIDE ? from : pass(from, h, SIDE, columns, columns, 1));
    return h > SIDE && 2 * w < h + SIDE ? across(down(grey, w), SIDE) : down(across(grey, h), SIDE);
  };

  /* Sixteen bits a value: the browser would cut them to eight in its own way. */
  const isDeep = (start) => start[0] === 0x89 && start[1] === 0x50 && start[24] === 16;

  const read = async (file) => {
    const start = new Uint8Array(await file.slice(0, 32).arrayBuffer());
    if (isDeep(start)) throw new Error("has 16 bits for each value, and a page reads 8: octlessons cluster takes it");
    let bitmap;
    try {
      bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    } catch (error) {
      throw new Error("is no picture that this browser can read: save it as PNG or JPEG");
    }
    const { height: h, width: w } = bitmap;
    if (h * w > MOST) throw new Error(`has ${w} × ${h} px, more than a page should hold`);
    if (Math.min(h, w) < SMALLEST) throw new Error(`has ${w} × ${h} px, too few to find a retina in: ${SMALLEST} are needed`);
    const canvas = document.createElement("canvas");
    canvas.width = w;
    canvas.height = h;
    const context = canvas.getContext("2d", { willReadFrequently: true, colorSpace: "srgb" });
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    return { grey: luma(context.getImageData(0, 0, w, h).data), h, w };
  };

  /* Most of a scan lighter than its mean: dark tissue on a light ground. */
  const inverted = ({ grey, h, w }) => {
    const step = Math.min(h, w) >= 64 ? 4 : 1;
    const some = [];
    for (let y = 0; y < h; y += step) for (let x = 0; x < w; x += step) some.push(grey[y * w + x]);
    const sorted = Uint8Array.from(some).sort();
    const half = sorted.length >> 1;
    const median = sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
    return median - some.reduce((a, b) => a + b, 0) / some.length > 3;
  };

  Object.assign(CourseDrop, { SIDE, inverted, luma, read, resize });
})();
