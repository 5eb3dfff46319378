/* The same scans in the clusters of two lists of changes. */
(() => {
  "use strict";
  const { asks, button, choice, define, dot, el, listing, mark, number, plural, says, svg, tile } = CoursePlay;

  define("two-lists", (stage, data) => {
    const n = data.sheet.n;
    let scan = 0;
    const text = says();
    const shelves = el("div", { class: "play-pair" });
    /* What the clusters of all scans follow, and how far chance reaches. */
    const ROW = 24, W = 560, LEFT = 150;
    const most = 1.1 * Math.max(...data.lists.flatMap((list) => list.ami), ...data.chance);
    const at = (v) => LEFT + (Math.max(0, v) / most) * (W - LEFT - 20);
    const chart = svg(
      "svg",
      { class: "play-plot", viewBox: `0 0 ${W} ${ROW * data.things.length + 26}`, role: "img" },
      data.things.map((what, i) => {
        const y = ROW * i + 12;
        const [a, b] = data.lists.map((list) => at(list.ami[i]));
        return [
          svg("text", { x: LEFT - 8, y: y + 4, "text-anchor": "end", text: what }),
          svg("rect", { class: "play-band", x: LEFT, y: y - 8, height: 16, width: at(data.chance[i]) - LEFT }),
          svg("path", { class: "play-axis", d: `M${a} ${y}H${b}` }),
          mark(0, a, y, 6),
          mark(1, b, y, 6),
        ];
      }),
      svg("path", { class: "play-axis", d: `M${LEFT} 0V${ROW * data.things.length}` }),
      svg("text", { class: "is-quiet", x: W - 20, y: ROW * data.things.length + 18, "text-anchor": "end", text: `agreement of the clusters with it, AMI, 0 to ${number(most)}` }),
    );
    chart.setAttribute(
      "aria-label",
      data.lists.map((list) => `${list.name}: ${listing(data.things.map((what, i) => `${what} ${number(list.ami[i])}`))}`).join(". "),
    );

    const draw = () => {
      const mates = data.lists.map((list) => list.clusters.map((cluster) => cluster === list.clusters[scan]));
      const both = mates[0].filter((is, i) => is && mates[1][i] && i !== scan).length;
      const size = (of) => of.filter(Boolean).length - 1;
      shelves.replaceChildren(
        ...data.lists.map((list, l) =>
          el(
            "div",
            {},
            el("p", { class: "play-title" }, dot(l), list.name),
            ...Array.from({ length: data.k }, (_, c) => {
              const own = list.clusters.flatMap((cluster, i) => (cluster === c ? [i] : []));
              return el(
                "div",
                { class: `play-shelf${list.clusters[scan] === c ? " is-chosen" : ""}` },
                el("span", { text: `cluster ${c}: ${own.length} of these scans` }),
                el(
                  "div",
                  {},
                  ...own.map((i) =>
                    el(
                      "button",
                      {
                        type: "button",
                        class: "play-pick",
                        "aria-pressed": String(i === scan),
                        "aria-label": `scan ${i + 1}${data.names ? `, ${data.names[i]}` : ""}`,
                        "data-scan": i,
                        onclick: () => choose(i, list),
                      },
                      tile(data.sheet, i, 40),
                    ),
                  ),
                ),
              );
            }),
          ),
        ),
      );
      text.textContent =
        `Scan ${scan + 1}${data.names ? ` (${data.names[scan]})` : ""}: ${plural(size(mates[0]), "companion")} by ${data.lists[0].name}, ` +
        `${size(mates[1])} by ${data.lists[1].name}, ${both} in both. ARI of the two clusterings of all scans: ${number(data.ari)}.`;
    };
    const choose = (i, list) => {
      scan = i;
      pick.select.value = i;
      draw();
      const place = data.lists.indexOf(list);
      shelves.children[place].querySelector(`[data-scan="${i}"]`).focus();
    };
    const names = Array.from({ length: n }, (_, i) => `${i + 1}${data.names ? ` ${data.names[i]}` : ""}`);
    const pick = choice({
      label: "Scan",
      options: names,
      change: (i) => {
        scan = i;
        draw();
      },
    });
    const other = button("A scan that changes company most", () => {
      const lonely = (i) => {
        const [a, b] = data.lists.map((list) => new Set(list.clusters.flatMap((c, j) => (c === list.clusters[i] && j !== i ? [j] : []))));
        const union = new Set([...a, ...b]).size;
        return union ? [...a].filter((j) => b.has(j)).length / union : 1;
      };
      const order = Array.from({ length: n }, (_, i) => i).sort((a, b) => lonely(a) - lonely(b));
      scan = order[(order.indexOf(scan) + 1) % n];
      pick.select.value = scan;
      draw();
    });
    stage.append(
      asks("Choose a scan and say what it has in common with its companions under each list. Which list looks at form, and which at light?"),
      el("div", { class: "play-controls" }, pick.node, other),
      text,
      shelves,
      chart,
    );
    draw();
  });
})();
