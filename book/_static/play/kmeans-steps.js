/* K-means, one step at a time: on numbers, on points, on scans. Centroids can be moved. */
(() => {
  "use strict";
  const { asks, bytes, button, choice, define, dot, el, listing, mark, number, paint, plural, says, still, svg, tone } = CoursePlay;
  const W = 560, H = 330, LETTERS = "ABCDEFGH";

  /* Points with as many coordinates as they have, and a place on the plane. */
  const read = (set) => {
    if (!set.pixels) {
      const line = set.points[0].length === 1;
      return { ...set, rows: set.points, places: set.points.map((p) => (line ? [p[0], 0] : p)), line };
    }
    const all = bytes(set.pixels);
    const d = set.h * set.w;
    const rows = set.places.map((_, i) => Array.from(all.subarray(i * d, (i + 1) * d), (v) => v / 255));
    const pictures = rows.map((row) => {
      const small = document.createElement("canvas");
      paint(small, row, set.h, set.w, set.top);
      return small.toDataURL();
    });
    return { ...set, rows, pictures };
  };
  const squared = (a, b) => a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0);
  const mean = (rows) => rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);

  define("kmeans-steps", (stage, data) => {
    const sets = data.sets.map(read);
    let set, start, centroids, places, clusters, phase, inertia, busy;

    const plot = svg("svg", { class: "play-plot", viewBox: `0 0 ${W} ${H}`, role: "group" });
    const text = says();
    const ask = asks("");
    const means = el("div", { class: "play-scans" });
    const pick = choice({ label: "Data", options: sets.map((s) => s.name), value: data.first || 0, change: (i) => use(i) });
    const next = button("Next step", () => step());
    const run = button("To the end", () => finish());
    const another = button("Another start", () => begin(start + 1));

    const use = (i) => {
      set = sets[i];
      another.hidden = set.starts.length < 2;
      ask.textContent = set.ask;
      begin(0);
    };
    const begin = (i) => {
      start = i % set.starts.length;
      const first = set.starts[start];
      centroids = first.map((at) => [...set.rows[at]]);
      places = first.map((at) => [...set.places[at]]);
      clusters = null;
      phase = "assign";
      inertia = [];
      busy = false;
      const which = set.starts.length > 1 ? `Start ${start + 1} of ${set.starts.length}: ` : "";
      text.textContent = `${which}${plural(centroids.length, "centroid")}, nothing assigned yet.`;
      draw();
    };

    const assign = () => {
      const before = clusters;
      let sum = 0;
      clusters = set.rows.map((row) => {
        const distances = centroids.map((centroid) => squared(row, centroid));
        const nearest = distances.indexOf(Math.min(...distances));
        sum += distances[nearest];
        return nearest;
      });
      const changed = before ? clusters.filter((c, i) => c !== before[i]).length : clusters.length;
      inertia.push(sum);
      const sizes = centroids.map((_, c) => clusters.filter((own) => own === c).length);
      const score = `Assignment ${inertia.length}: inertia ${number(sum, set.digits)}, clusters of ${listing(sizes)}`;
      if (changed) {
        phase = "update";
        text.textContent = `${score}; ${before ? `${changed} changed cluster` : "each to its nearest centroid"}.`;
      } else {
        phase = "done";
        const best = set.best && sum > 1.05 * set.best ? ` The best start known ends at ${number(set.best, set.digits)}: this is a local minimum.` : "";
        text.textContent = `${score}; nothing changed, so it stops.${best}`;
      }
    };
    const update = () => {
      centroids = centroids.map((centroid, c) => {
        const own = clusters.flatMap((cluster, i) => (cluster === c ? [i] : []));
        if (!own.length) return centroid;
        places[c] = mean(own.map((i) => set.places[i]));
        return mean(own.map((i) => set.rows[i]));
      });
      const after = set.rows.reduce((sum, row, i) => sum + squared(row, centroids[clusters[i]]), 0);
      phase = "assign";
      text.textContent = `Update: every centroid moves to the mean of its members; inertia ${number(after, set.digits)}.`;
    };
    const step = () => {
      if (phase === "done") return;
      (phase === "assign" ? assign : update)();
      draw();
    };
    const finish = () => {
      if (busy) return;
      busy = true;
      const go = () => {
        if (!busy || !stage.isConnected) return;
        step();
        if (phase === "done") busy = false;
        else if (still()) go();
        else setTimeout(go, 450);
      };
      go();
    };
    const move = (c, by) => {
      busy = false;
      centroids[c] = centroids[c].map((value, i) => value + by[i]);
      places[c] = set.line ? [centroids[c][0], 0] : [...centroids[c]];
      clusters = null;
      inertia = [];
      phase = "assign";
      text.textContent = `Centroid ${LETTERS[c]} moved to ${centroids[c].map((v) => number(v, 1)).join(", ")}.`;
      draw();
    };

    const draw = () => {
      const held = document.activeElement && document.activeElement.dataset ? document.activeElement.dataset.centroid : null;
      const every = [...set.places, ...places];
      const range = (i) => {
        const values = every.map((p) => p[i]);
        const [low, high] = [Math.min(...values), Math.max(...values)];
        return [low - 0.06 * (high - low || 1), high + 0.06 * (high - low || 1)];
      };
      const [[left, right], [low, high]] = [range(0), set.line ? [-1, 1] : range(1)];
      const height = set.line ? 110 : H;
      const at = ([x, y]) => [16 + ((x - left) / (right - left)) * (W - 32), height - 16 - ((y - low) / (high - low)) * (height - 32)];
      plot.setAttribute("viewBox", `0 0 ${W} ${height}`);
      plot.setAttribute("aria-label", `${set.name} and ${plural(centroids.length, "centroid")}`);
      plot.replaceChildren();
      if (set.line) plot.append(svg("path", { class: "play-axis", d: `M16 ${height / 2}H${W - 16}` }));
      set.places.forEach((place, i) => {
        const [x, y] = at(place);
        const own = clusters ? clusters[i] : -1;
        if (set.pictures) {
          plot.append(
            svg("image", { href: set.pictures[i], x: x - 17, y: y - 17, width: 34, height: 34 }),
            svg("rect", { x: x - 17, y: y - 17, width: 34, height: 34, fill: "none", style: `stroke:${tone(own)};stroke-width:3` }),
          );
          if (own >= 0) plot.append(mark(own, x - 15, y - 15, 5));
        } else plot.append(mark(own, x, y, 5.5));
        if (set.line) plot.append(svg("text", { x, y: y + 24, "text-anchor": "middle", text: String(place[0]) }));
      });
      places.forEach((place, c) => {
        const [x, y] = at(place);
        const group = svg(
          "g",
          { transform: `translate(${x} ${y})`, "data-centroid": c, class: "play-centroid" },
          svg("path", { d: "M-9 -9L9 9M9 -9L-9 9", style: "stroke:var(--play-paper);stroke-width:8" }),
          svg("path", { d: "M-9 -9L9 9M9 -9L-9 9", style: "stroke:var(--play-ink);stroke-width:4" }),
          svg("text", { x: 11, y: -7, "font-weight": "700", style: "paint-order:stroke;stroke:var(--play-paper);stroke-width:4", text: LETTERS[c] }),
        );
        if (!set.pictures) movable(group, c, right - left, high - low);
        plot.append(group);
        if (held === String(c)) group.focus();
      });
      means.replaceChildren(
        ...centroids.map((centroid, c) => {
          const size = clusters ? clusters.filter((own) => own === c).length : 0;
          const caption = el("span", {}, dot(c), `${LETTERS[c]}${clusters ? `: ${size}` : ""}`);
          if (!set.pictures) return el("div", {}, caption, ` at ${centroid.map((v) => number(v, 1)).join(", ")}`);
          const picture = el("canvas", { class: "play-scan", role: "img", "aria-label": `Centroid ${LETTERS[c]} as a picture` });
          paint(picture, centroid, set.h, set.w, set.top);
          return el("div", { style: "width:72px" }, picture, caption);
        }),
      );
      next.textContent = phase === "assign" ? "Next step: assign" : phase === "update" ? "Next step: update" : "At rest";
      next.disabled = run.disabled = phase === "done";
    };
    const movable = (group, c, wide, high) => {
      group.setAttribute("tabindex", "0");
      group.setAttribute("role", "button");
      group.setAttribute("aria-label", `Centroid ${LETTERS[c]}: move it with the arrow keys`);
      group.style.cursor = "move";
      const ways = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
      group.addEventListener("keydown", (event) => {
        const way = ways[event.key];
        if (!way || (set.line && way[1])) return;
        event.preventDefault();
        move(c, set.line ? [way[0] * 0.5] : [(way[0] * wide) / 40, (way[1] * high) / 25]);
      });
      group.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        const box = plot.getBoundingClientRect();
        let [x, y] = [event.clientX, event.clientY];
        const drag = (to) => {
          const [dx, dy] = [((to.clientX - x) / box.width) * wide, (-(to.clientY - y) / box.height) * high];
          [x, y] = [to.clientX, to.clientY];
          move(c, set.line ? [dx] : [dx, dy]);
        };
        const drop = () => {
          removeEventListener("pointermove", drag);
          removeEventListener("pointerup", drop);
        };
        addEventListener("pointermove", drag);
        addEventListener("pointerup", drop);
      });
    };

    stage.append(
      ask,
      el("div", { class: "play-controls" }, pick.node, next, run, another, button("Back", () => begin(start))),
      plot,
      means,
      text,
    );
    use(data.first || 0);
  });
})();
