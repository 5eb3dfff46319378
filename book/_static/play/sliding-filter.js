/* A filter of nine weights slides over a retina and makes a feature map. */
(() => {
  "use strict";
  const { asks, button, bytes, choice, define, el, number, paint, says } = CoursePlay;

  define("sliding-filter", (stage, data) => {
    const { h, w } = data;
    const grey = Array.from(bytes(data.grey), (v) => v / 255);
    const turned = grey.map((_, i) => grey[(i % h) * w + Math.floor(i / h)]);
    let image = grey;
    let [rows, columns] = [h, w];
    let weights = [...data.filters[0].weights];
    let [y, x] = [Math.floor(h / 2), Math.floor(w / 2)];

    const scale = 6;
    const scan = el("canvas", { class: "play-scan", role: "img", tabindex: "0" });
    const map = el("canvas", { class: "play-scan", role: "img", tabindex: "-1" });
    const text = says();
    const inputs = weights.map((_, i) =>
      el("input", {
        type: "number", step: 1, min: -9, max: 9, "aria-label": `weight in row ${Math.floor(i / 3) + 1}, column ${(i % 3) + 1}`,
        oninput: () => {
          weights[i] = Number(inputs[i].value) || 0;
          pick.select.value = data.filters.length;
          draw();
        },
      }),
    );
    const under = () => weights.map((_, i) => image[(y + Math.floor(i / 3)) * columns + x + (i % 3)]);
    const sumAt = (top, left) =>
      weights.reduce((sum, weight, i) => sum + weight * image[(top + Math.floor(i / 3)) * columns + left + (i % 3)], 0);

    const draw = () => {
      const [tall, wide] = [rows - 2, columns - 2];
      const sums = Array.from({ length: tall * wide }, (_, i) => sumAt(Math.floor(i / wide), i % wide));
      const kept = sums.map((v) => Math.max(0, v));
      const pooled = kept.reduce((a, b) => a + b, 0) / kept.length;
      enlarge(scan, image, rows, columns, 1);
      enlarge(map, kept, tall, wide, Math.max(0.01, ...kept));
      frame(scan, x, y, 3);
      frame(map, x, y, 1);
      inputs.forEach((input, i) => {
        if (document.activeElement !== input) input.value = weights[i];
      });
      const here = sums[y * wide + x];
      const terms = under().map((v, i) => `${number(weights[i], 0)} · ${number(v)}`).filter((_, i) => weights[i]);
      scan.setAttribute("aria-label", `Retina of ${rows} by ${columns} pixels; the filter lies at row ${y + 1}, column ${x + 1}. Move it with the arrow keys.`);
      map.setAttribute("aria-label", `Feature map after the ReLU, ${tall} by ${wide}; mean ${number(pooled, 3)}`);
      text.textContent =
        `Row ${y + 1}, column ${x + 1}: ${terms.join(" + ") || "all weights are 0"} = ${number(here)}; after the ReLU ${number(Math.max(0, here))}. ` +
        `The mean of the whole map, the number that pooling keeps, is ${number(pooled, 3)}.`;
    };
    const enlarge = (canvas, values, tall, wide, top) => {
      const small = document.createElement("canvas");
      paint(small, values, tall, wide, top);
      canvas.width = scale * wide;
      canvas.height = scale * tall;
      const context = canvas.getContext("2d");
      context.imageSmoothingEnabled = false;
      context.drawImage(small, 0, 0, canvas.width, canvas.height);
    };
    const frame = (canvas, left, top, side) => {
      const context = canvas.getContext("2d");
      context.lineWidth = 3;
      context.strokeStyle = "#ee5d04";
      context.strokeRect(left * scale - 1, top * scale - 1, side * scale + 2, side * scale + 2);
    };
    const go = (down, right) => {
      y = Math.max(0, Math.min(rows - 3, y + down));
      x = Math.max(0, Math.min(columns - 3, x + right));
      draw();
    };
    scan.addEventListener("keydown", (event) => {
      const way = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      go(...way);
    });
    const point = (event) => {
      const box = scan.getBoundingClientRect();
      const place = (part, size) => Math.floor(part * size) - 1;
      y = 0;
      x = 0;
      go(place((event.clientY - box.top) / box.height, rows), place((event.clientX - box.left) / box.width, columns));
    };
    scan.addEventListener("pointerdown", point);
    scan.addEventListener("pointermove", (event) => event.buttons && point(event));

    const pick = choice({
      label: "Filter",
      options: [...data.filters.map((one) => one.name), "your own"],
      change: (i) => {
        if (i < data.filters.length) weights = [...data.filters[i].weights];
        draw();
      },
    });
    const stand = button("Stand the retina up", () => {
      image = image === grey ? turned : grey;
      [rows, columns] = [columns, rows];
      stand.setAttribute("aria-pressed", image !== grey);
      go(0, 0);
    }, { "aria-pressed": "false" });
    stage.append(
      asks("Where does the map light up, and why? Then write nine weights of your own that like the upper edge of the bright band and not the lower one."),
      el("div", { class: "play-controls" }, pick.node, stand),
      el(
        "div",
        { class: "play-scans play-thirds" },
        el("div", {}, scan, "the retina"),
        el("div", {}, el("div", { class: "play-weights" }, ...inputs), "the filter"),
        el("div", {}, map, "feature map, after the ReLU"),
      ),
      text,
    );
    /* It begins where the first filter finds most. */
    const first = Array.from({ length: (h - 2) * (w - 2) }, (_, i) => sumAt(Math.floor(i / (w - 2)), i % (w - 2)));
    const most = first.indexOf(Math.max(...first));
    [y, x] = [Math.floor(most / (w - 2)), most % (w - 2)];
    draw();
  });
})();
