/* One scan laid over another: what distance between pixels sees. */
(() => {
  "use strict";
  const { asks, bytes, button, canvas, choice, define, el, mark, number, paint, percent, says, slider, svg } = CoursePlay;

  define("scan-over-scan", (stage, data) => {
    const { h, w } = data;
    const pictures = data.pictures.map((picture) => bytes(picture.grey));
    const under = pictures[0];
    const others = data.groups.flatMap((group) => (group.counts ? group.values : []));
    const top = 1.06 * Math.max(...data.groups.flatMap((group) => group.values));
    const now = { over: 0, down: 0, right: 0, light: 0 };

    const laid = () => {
      const from = now.over < pictures.length ? pictures[now.over] : new Uint8Array(h * w);
      const result = new Float32Array(h * w);
      const inside = (value, size) => Math.max(0, Math.min(size - 1, value));
      for (let y = 0; y < h; y += 1) {
        for (let x = 0; x < w; x += 1) {
          const value = from[inside(y - now.down, h) * w + inside(x - now.right, w)] + now.light;
          result[y * w + x] = Math.max(0, Math.min(255, value));
        }
      }
      return result;
    };

    const views = ["the scan", "over it", "the difference"].map((name) => canvas(name));
    const [below, above, gap] = views;
    above.tabIndex = 0;
    above.setAttribute("aria-label", "The scan that lies above: move it with the arrow keys");
    const text = says();
    const line = svg("path", { class: "play-line" });
    const rows = data.groups.length;
    const plot = svg("svg", { class: "play-plot", viewBox: `0 0 560 ${24 * rows + 34}`, role: "img" });
    const at = (distance) => 100 + (distance / top) * 450;
    data.groups.forEach((group, row) => {
      const y = 14 + 24 * row;
      plot.append(svg("text", { x: 92, y: y + 4, "text-anchor": "end", text: group.name.length > 11 ? `${group.name.slice(0, 10)}…` : group.name }));
      group.values.forEach((value, i) => plot.append(mark(group.mark, at(value), y + ((i * 7) % 13) - 6, 3.5)));
    });
    plot.append(
      svg("path", { class: "play-axis", d: `M100 ${24 * rows + 6}H550` }),
      svg("text", { class: "is-quiet", x: 100, y: 24 * rows + 24, text: "0" }),
      svg("text", { class: "is-quiet", x: 550, y: 24 * rows + 24, "text-anchor": "end", text: `distance between pixels, ${number(top, 1)}` }),
      line,
    );

    const draw = () => {
      const over = laid();
      let sum = 0;
      const difference = over.map((value, i) => {
        sum += ((value - under[i]) / 255) ** 2;
        return Math.abs(value - under[i]);
      });
      const distance = Math.sqrt(sum);
      paint(below, under, h, w, data.top);
      paint(above, over, h, w, data.top);
      paint(gap, difference, h, w, data.top);
      line.setAttribute("d", `M${at(Math.min(distance, top))} 0V${24 * rows + 6}`);
      const nearer = others.filter((value) => value < distance).length / Math.max(1, others.length);
      const change = [
        now.down && `${Math.abs(now.down)} px ${now.down > 0 ? "down" : "up"} (${percent(Math.abs(now.down) / h)} of the height)`,
        now.right && `${Math.abs(now.right)} px to the ${now.right > 0 ? "right" : "left"}`,
        now.light && `${Math.abs(now.light)} greys ${now.light > 0 ? "brighter" : "darker"}`,
      ].filter(Boolean);
      const which = names[now.over];
      text.textContent =
        `${which[0].toUpperCase()}${which.slice(1)}, ${change.join(", ") || "not moved"}: distance ${number(distance)}. ` +
        (others.length ? `Of the ${others.length} ${data.others}, ${percent(nearer)} are nearer than that.` : "");
      plot.setAttribute("aria-label", `Distances of other scans by diagnosis, from 0 to ${number(top, 1)}, and a line at ${number(distance)}`);
    };

    const names = [...data.pictures.map((picture) => picture.name), "nothing at all: black"];
    const set = (name) => (value) => {
      now[name] = value;
      draw();
    };
    const far = Math.round(h / 4);
    const sliders = {
      down: slider({ label: "Down", min: -far, max: far, value: 0, tell: (v) => `${number(v, 0)} px`, change: set("down") }),
      right: slider({ label: "Right", min: -far, max: far, value: 0, tell: (v) => `${number(v, 0)} px`, change: set("right") }),
      light: slider({ label: "Brighter", min: -60, max: 60, step: 5, value: 0, tell: (v) => number(v, 0), change: set("light") }),
    };
    const back = () => {
      Object.entries(sliders).forEach(([name, one]) => {
        now[name] = 0;
        one.set(0);
      });
      draw();
    };
    above.addEventListener("keydown", (event) => {
      const way = { ArrowUp: ["down", -1], ArrowDown: ["down", 1], ArrowLeft: ["right", -1], ArrowRight: ["right", 1] }[event.key];
      if (!way) return;
      event.preventDefault();
      now[way[0]] = Math.max(-far, Math.min(far, now[way[0]] + way[1]));
      sliders[way[0]].set(now[way[0]]);
      draw();
    });
    stage.append(
      asks("Move the scan over itself until half of the others are nearer than it is to itself. How far is that? Then lay nothing at all over it."),
      el(
        "div",
        { class: "play-controls" },
        choice({ label: "Over the scan lies", options: names, change: set("over") }).node,
        ...Object.values(sliders).map((one) => one.node),
        button("Back in place", back),
      ),
      el("div", { class: "play-scans play-thirds" }, ...["the scan", "over it", "difference"].map((name, i) => el("div", {}, views[i], name))),
      text,
      plot,
    );
    draw();
  });
})();
