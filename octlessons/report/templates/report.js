"use strict";
/* The map: pixels far out, pictures near. No modules, no workers, no requests: all of them fail from disk. */
(async () => {
  const get = (id) => document.getElementById(id);
  const facts = JSON.parse(get("facts").textContent);
  if (typeof DecompressionStream === "undefined") return;

  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const unpacked = async (name) => {
    const element = get(`data-${name}`);
    if (!element) return null;
    const stream = new Blob([bytes(element.textContent)]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  };
  const lines = async (name) => {
    const data = await unpacked(name);
    return data && new TextDecoder().decode(data).split("\n");
  };
  const places = new Uint16Array(await unpacked("places"));
  const clusters = new Int16Array(await unpacked("clusters"));
  const silhouettes = new Float32Array(await unpacked("silhouettes"));
  const tiles = new Int32Array(await unpacked("tiles"));
  const labelData = await unpacked("labels");
  const labels = labelData && new Int16Array(labelData);
  const names = await lines("names");
  const patients = await lines("patients");
  const n = facts.n;
  get("viewer").hidden = false;

  /* ---- small pictures, unpacked when they are needed; the last sheets are kept */
  const TILE = 32, ACROSS = 32, KEPT = 60;
  const sheetTexts = [...document.querySelectorAll("script.sheet")];
  const sheets = new Map();
  const sheetOf = (number) => {
    if (sheets.has(number)) {
      const found = sheets.get(number);
      sheets.delete(number);
      sheets.set(number, found);
      return found.bitmap;
    }
    const entry = { bitmap: null };
    sheets.set(number, entry);
    if (sheets.size > KEPT) sheets.delete(sheets.keys().next().value);
    createImageBitmap(new Blob([bytes(sheetTexts[number].textContent)], { type: "image/webp" })).then((bitmap) => {
      entry.bitmap = bitmap;
      draw();
      for (const waiting of document.querySelectorAll("canvas[data-scan]")) paint(waiting, Number(waiting.dataset.scan));
    });
    return null;
  };
  const put = (context, scan, x, y, size) => {
    const tile = tiles[scan];
    if (tile < 0) return false;
    const sheet = sheetOf(Math.floor(tile / (ACROSS * ACROSS)));
    if (!sheet) return false;
    const at = tile % (ACROSS * ACROSS);
    context.drawImage(sheet, (at % ACROSS) * TILE, Math.floor(at / ACROSS) * TILE, TILE, TILE, x, y, size, size);
    return true;
  };
  const paint = (canvas, scan) => {
    if (put(canvas.getContext("2d"), scan, 0, 0, 64)) delete canvas.dataset.scan;
  };
  const small = (scan) => {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = 64;
    canvas.dataset.scan = scan;
    paint(canvas, scan);
    return canvas;
  };

  /* ---- the view */
  const canvas = get("canvas"), context = canvas.getContext("2d");
  const view = { x: 0.5, y: 0.5, scale: 1 };
  const shown = new Uint8Array(n).fill(1);
  let picked = null, outline = [], drawing = false, scheduled = false;
  const rgb = facts.colours.map((hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
  const ratio = () => Math.min(window.devicePixelRatio || 1, 2);
  const side = () => 0.94 * Math.min(canvas.width, canvas.height) * view.scale;
  const toX = (i) => (places[2 * i] / 65535 - view.x) * side() + canvas.width / 2;
  const toY = (i) => (places[2 * i + 1] / 65535 - view.y) * side() + canvas.height / 2;

  const draw = () => {
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(() => { scheduled = false; drawNow(); });
  };
  const drawNow = () => {
    const width = canvas.width, height = canvas.height, at = side();
    const offX = width / 2 - view.x * at, offY = height / 2 - view.y * at;
    context.clearRect(0, 0, width, height);
    const inView = [];
    const image = context.createImageData(width, height), pixels = new Uint32Array(image.data.buffer);
    const colour = rgb.map(([r, g, b]) => (255 << 24) | (b << 16) | (g << 8) | r);
    const grey = (255 << 24) | (0x88 << 16) | (0x88 << 8) | 0x88, pale = (70 << 24) | (0x88 << 16) | (0x88 << 8) | 0x88;
    const dot = n > 20000 ? (view.scale > 3 ? 3 : 2) : Math.max(3, Math.round(4 * ratio()));
    for (let i = 0; i < n; i += 1) {
      const x = Math.round((places[2 * i] / 65535) * at + offX), y = Math.round((places[2 * i + 1] / 65535) * at + offY);
      if (x < 0 || y < 0 || x >= width - dot || y >= height - dot) continue;
      const own = shown[i] && (!picked || picked[i]);
      if (own) inView.push(i);
      const paintIt = !own ? pale : clusters[i] < 0 ? grey : colour[clusters[i] % colour.length];
      for (let row = 0; row < dot; row += 1) pixels.fill(paintIt, (y + row) * width + x, (y + row) * width + x + dot);
    }
    context.putImageData(image, 0, 0);
    const room = (width * height) / Math.max(inView.length, 1);
    if (room > 900) {
      const size = Math.min(96, Math.max(22, 0.75 * Math.sqrt(room))) * 1;
      for (const i of inView.slice(0, 2500)) {
        const x = toX(i) - size / 2, y = toY(i) - size / 2;
        if (put(context, i, x, y, size)) {
          context.strokeStyle = clusters[i] < 0 ? "#888" : facts.colours[clusters[i] % facts.colours.length];
          context.lineWidth = 2 * ratio();
          context.strokeRect(x, y, size, size);
        }
      }
    }
    numbers();
    if (outline.length > 1) {
      context.beginPath();
      outline.forEach(([x, y], i) => (i ? context.lineTo(x, y) : context.moveTo(x, y)));
      context.strokeStyle = getComputedStyle(canvas).color;
      context.lineWidth = 2;
      context.stroke();
    }
  };

  /* The number of a group, at the scan nearest to its middle on the map. */
  const middles = [];
  for (let c = 0; c < facts.k; c += 1) {
    const own = [];
    for (let i = 0; i < n; i += 1) if (clusters[i] === c) own.push(i);
    const xs = own.map((i) => places[2 * i]).sort((a, b) => a - b), ys = own.map((i) => places[2 * i + 1]).sort((a, b) => a - b);
    const mx = xs[xs.length >> 1], my = ys[ys.length >> 1];
    let best = own[0], least = Infinity;
    for (const i of own) {
      const d = (places[2 * i] - mx) ** 2 + (places[2 * i + 1] - my) ** 2;
      if (d < least) { least = d; best = i; }
    }
    middles.push(best);
  }
  const numbers = () => {
    context.font = `600 ${15 * ratio()}px system-ui, sans-serif`;
    context.textAlign = "center";
    context.textBaseline = "middle";
    middles.forEach((i, c) => {
      const x = toX(i), y = toY(i);
      if (i === undefined) return;
      context.beginPath();
      context.arc(x, y, 13 * ratio(), 0, 2 * Math.PI);
      context.fillStyle = "#fff";
      context.fill();
      context.lineWidth = 3 * ratio();
      context.strokeStyle = facts.colours[c % facts.colours.length];
      context.stroke();
      context.fillStyle = "#111";
      context.fillText(String(c + 1), x, y + 1);
    });
  };

  const resize = () => {
    const box = canvas.getBoundingClientRect();
    canvas.width = Math.max(1, Math.round(box.width * ratio()));
    canvas.height = Math.max(1, Math.round(box.height * ratio()));
    drawNow();
  };
  const zoom = (factor, x = canvas.width / 2, y = canvas.height / 2) => {
    const before = side();
    view.scale = Math.min(400, Math.max(0.5, view.scale * factor));
    const after = side();
    view.x += (x - canvas.width / 2) * (1 / before - 1 / after);
    view.y += (y - canvas.height / 2) * (1 / before - 1 / after);
    draw();
  };
  const move = (dx, dy) => { view.x += dx / side(); view.y += dy / side(); draw(); };
  const whole = () => { view.x = view.y = 0.5; view.scale = 1; draw(); };

  /* ---- what is listed */
  const status = get("status"), body = document.querySelector("#twin tbody"), ROWS = 50;
  let listed = [], first = 0;
  const list = () => {
    listed = [];
    for (let i = 0; i < n; i += 1) if (shown[i] && (!picked || picked[i])) listed.push(i);
    first = 0;
    fill();
  };
  const cell = (text) => { const td = document.createElement("td"); td.textContent = text; return td; };
  const fill = () => {
    body.replaceChildren(...listed.slice(first, first + ROWS).map((i) => {
      const row = document.createElement("tr"), picture = document.createElement("td");
      if (tiles[i] >= 0) picture.append(small(i));
      row.append(picture, cell(names[i]), cell(clusters[i] < 0 ? "none" : String(clusters[i] + 1)), cell(silhouettes[i].toFixed(2)));
      if (labels) row.append(cell(facts.labels[labels[i]]));
      if (patients) row.append(cell(patients[i]));
      return row;
    }));
    const last = Math.min(first + ROWS, listed.length);
    get("page").textContent = listed.length ? `${first + 1} to ${last} of ${listed.length}` : "no scan";
    get("back").disabled = first === 0;
    get("on").disabled = last >= listed.length;
  };
  const tell = () => { status.textContent = `${listed.length} of ${n} scans${picked ? " in the selection" : " shown"}.`; };
  const filter = () => {
    const c = get("by-cluster").value, l = get("by-label").value, p = get("by-patient").value.trim();
    for (let i = 0; i < n; i += 1) {
      shown[i] = (c === "" || clusters[i] === Number(c)) && (l === "" || labels[i] === Number(l)) && (p === "" || patients[i] === p) ? 1 : 0;
    }
    draw(); list(); tell();
  };
  const inside = (x, y) => {
    let odd = false;
    for (let a = 0, b = outline.length - 1; a < outline.length; b = a, a += 1) {
      const [ax, ay] = outline[a], [bx, by] = outline[b];
      if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) odd = !odd;
    }
    return odd;
  };
  const pick = (test) => {
    picked = new Uint8Array(n);
    for (let i = 0; i < n; i += 1) picked[i] = shown[i] && test(toX(i), toY(i)) ? 1 : 0;
    draw(); list(); tell();
  };
  const clear = () => {
    picked = null;
    for (const id of ["by-cluster", "by-label", "by-patient"]) get(id).value = "";
    filter();
  };

  /* ---- hands */
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * (canvas.width / box.width), (event.clientY - box.top) * (canvas.height / box.height)];
  };
  const hover = get("hover");
  const nearest = (x, y) => {
    let best = -1, least = (14 * ratio()) ** 2;
    for (let i = 0; i < n; i += 1) {
      if (!shown[i]) continue;
      const d = (toX(i) - x) ** 2 + (toY(i) - y) ** 2;
      if (d < least) { least = d; best = i; }
    }
    return best;
  };
  const point = (event) => {
    const i = nearest(...at(event));
    hover.hidden = i < 0;
    if (i < 0) return;
    if (hover.dataset.of !== String(i)) {
      hover.dataset.of = i;
      const words = document.createElement("div");
      words.textContent = `${names[i]} · ${clusters[i] < 0 ? "no group" : `group ${clusters[i] + 1}`}${labels ? ` · ${facts.labels[labels[i]]}` : ""}`;
      hover.replaceChildren(...(tiles[i] >= 0 ? [small(i)] : []), words);
    }
    hover.style.left = `${Math.min(event.clientX + 14, window.innerWidth - 240)}px`;
    hover.style.top = `${Math.min(event.clientY + 14, window.innerHeight - 120)}px`;
  };
  const pointers = new Map();
  const wantsLasso = () => get("lasso").getAttribute("aria-pressed") === "true";
  canvas.addEventListener("pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
    if (wantsLasso() || event.shiftKey) { drawing = true; outline = [at(event)]; }
  });
  canvas.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) { point(event); return; }
    hover.hidden = true;
    if (drawing) { outline.push(at(event)); draw(); return; }
    const scale = canvas.width / canvas.getBoundingClientRect().width;
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      const apart = (p) => Math.hypot(p[0] - other[0], p[1] - other[1]);
      zoom(apart([event.clientX, event.clientY]) / Math.max(apart(before), 1));
    } else move((before[0] - event.clientX) * scale, (before[1] - event.clientY) * scale);
    pointers.set(event.pointerId, [event.clientX, event.clientY]);
  });
  const up = (event) => {
    pointers.delete(event.pointerId);
    if (!drawing) return;
    drawing = false;
    if (outline.length > 2) pick(inside);
    outline = [];
    draw();
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", () => { hover.hidden = true; });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * 0.0015), ...at(event));
  }, { passive: false });
  canvas.addEventListener("keydown", (event) => {
    const step = 60 * ratio();
    const keys = {
      ArrowLeft: () => move(-step, 0), ArrowRight: () => move(step, 0), ArrowUp: () => move(0, -step), ArrowDown: () => move(0, step),
      "+": () => zoom(1.4), "=": () => zoom(1.4), "-": () => zoom(1 / 1.4), 0: whole, Escape: clear,
      Enter: () => pick((x, y) => x >= 0 && y >= 0 && x < canvas.width && y < canvas.height),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  get("closer").addEventListener("click", () => zoom(1.6));
  get("wider").addEventListener("click", () => zoom(1 / 1.6));
  get("whole").addEventListener("click", whole);
  get("clear").addEventListener("click", clear);
  get("lasso").addEventListener("click", () => {
    const on = !wantsLasso();
    get("lasso").setAttribute("aria-pressed", on);
    canvas.style.cursor = on ? "crosshair" : "";
  });
  get("back").addEventListener("click", () => { first = Math.max(0, first - ROWS); fill(); });
  get("on").addEventListener("click", () => { first += ROWS; fill(); });
  get("save").addEventListener("click", () => {
    const quoted = (text) => `"${(/^[=+\-@]/.test(text) ? `'${text}` : text).replace(/"/g, '""')}"`;
    const text = ["scan,group", ...listed.map((i) => `${quoted(names[i])},${clusters[i] < 0 ? "" : clusters[i] + 1}`)].join("\n");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${text}\n`], { type: "text/csv" }));
    link.download = "selection.csv";
    link.click();
    URL.revokeObjectURL(link.href);
  });

  const option = (select, value, text) => {
    const element = document.createElement("option");
    element.value = value;
    element.textContent = text;
    select.append(element);
  };
  for (let c = 0; c < facts.k; c += 1) option(get("by-cluster"), c, c + 1);
  if (clusters.includes(-1)) option(get("by-cluster"), -1, "none");
  if (labels) {
    get("label-filter").hidden = false;
    facts.labels.forEach((name, l) => option(get("by-label"), l, name));
  }
  if (patients) get("patient-filter").hidden = false;
  document.querySelectorAll(".of-label").forEach((e) => { e.hidden = !labels; });
  document.querySelectorAll(".of-patient").forEach((e) => { e.hidden = !patients; });
  for (const id of ["by-cluster", "by-label"]) get(id).addEventListener("change", filter);
  get("by-patient").addEventListener("input", filter);
  new ResizeObserver(resize).observe(canvas);
  filter();
  canvas.dataset.ready = "yes";
})();
