/* The number of clusters against the silhouette, with members to look at. */
(() => {
  "use strict";
  const { asks, bytes, define, dot, el, listing, number, plural, says, slider, svg, tile, tone } = CoursePlay;

  define("k-silhouette", (stage, data) => {
    const ks = data.ks.map((one) => ({
      ...one,
      each: Array.from(bytes(one.each), (v) => (v - 128) / 127),
      profiles: one.profiles.map((text) => Array.from(bytes(text), (v) => (v - 128) / 127)),
    }));
    const best = ks.reduce((top, one) => (one.mean > top.mean ? one : top));
    let now = ks.findIndex((one) => one.k === data.first);
    if (now < 0) now = 0;

    const W = 560, H = 150;
    const values = ks.map((one) => one.mean);
    const [low, high] = [Math.min(0, ...values), Math.max(...values) * 1.1];
    const x = (i) => 50 + (i / Math.max(1, ks.length - 1)) * (W - 80);
    const y = (v) => H - 28 - ((v - low) / (high - low)) * (H - 46);
    const ring = svg("circle", { r: 9, fill: "none", style: "stroke:var(--play-tone-0);stroke-width:3" });
    const plot = svg(
      "svg",
      { class: "play-plot", viewBox: `0 0 ${W} ${H}`, role: "img" },
      svg("path", { class: "play-axis", d: `M50 ${y(low)}H${W - 30}` }),
      svg("path", { class: "play-line", d: `M${ks.map((one, i) => `${x(i)} ${y(one.mean)}`).join("L")}` }),
      ks.map((one, i) => [
        svg("circle", { cx: x(i), cy: y(one.mean), r: 4, style: "fill:var(--play-ink)" }),
        svg("text", { x: x(i), y: H - 8, "text-anchor": "middle", text: `${one.k}` }),
      ]),
      svg("text", { class: "is-quiet", x: 44, y: y(high / 1.1) + 4, "text-anchor": "end", text: number(high / 1.1) }),
      svg("text", { class: "is-quiet", x: 44, y: y(low) + 4, "text-anchor": "end", text: number(low) }),
      ring,
    );
    plot.setAttribute("aria-label", `Mean silhouette: ${listing(ks.map((one) => `${number(one.mean)} for k = ${one.k}`))}`);

    /* All silhouettes of one cluster, from the highest to the lowest, on one scale for every k. */
    const steepest = Math.max(0.1, ...ks.flatMap((one) => one.profiles.flat()));
    const profile = (values, c) => {
      const up = (v) => 26 - (24 * v) / steepest;
      const wide = (i) => (i / (values.length - 1)) * 200;
      return svg(
        "svg",
        { class: "play-profile", viewBox: "0 0 200 34", preserveAspectRatio: "none", role: "img", "aria-label": `Silhouettes from ${number(values[0])} to ${number(values.at(-1))}` },
        svg("path", { d: `M0 26L${values.map((v, i) => `${wide(i)} ${up(v)}`).join("L")}L200 26z`, style: `fill:${tone(c)}` }),
        svg("path", { class: "play-axis", d: "M0 26H200" }),
      );
    };
    const text = says();
    const shelves = el("div", { class: "play-shelves" });
    const draw = () => {
      const one = ks[now];
      ring.setAttribute("cx", x(now));
      ring.setAttribute("cy", y(one.mean));
      const own = Array.from({ length: one.k }, (_, c) => one.clusters.flatMap((cluster, i) => (cluster === c ? [i] : [])));
      shelves.replaceChildren(
        ...own.map((members, c) => {
          /* Some of the scans have a picture; they stand from the best to the worst fit. */
          const shown = members.sort((a, b) => one.each[b] - one.each[a]);
          return el(
            "div",
            { class: "play-shelf" },
            el("span", {}, dot(c), `${plural(one.sizes[c], "scan")}, silhouette ${number(one.means[c])}`),
            profile(one.profiles[c], c),
            el(
              "div",
              {},
              ...shown.map((i) =>
                el(
                  "span",
                  { class: "play-fit" },
                  tile(data.sheet, i, 38, `silhouette ${number(one.each[i])}`),
                  el("i", { style: `width:${Math.abs(one.each[i]) * 38}px;background:${one.each[i] < 0 ? "var(--course-wrong)" : tone(c)}` }),
                )),
            ),
          );
        }),
      );
      text.textContent =
        `k = ${one.k}: mean silhouette ${number(one.mean)}, ${plural(one.below, "scan")} below 0; clusters of ${listing(one.sizes)}. ` +
        (one.k === best.k
          ? "This is the highest value. Is there a difference between the shelves that a doctor would name?"
          : `The highest value is ${number(best.mean)}, for k = ${best.k}.`);
    };
    const control = slider({
      label: "Number of clusters k",
      min: 0,
      max: ks.length - 1,
      value: now,
      tell: (i) => `${ks[i].k}`,
      change: (i) => {
        now = i;
        draw();
      },
    });
    stage.append(
      asks("Move k. Which k would you choose by looking at the shelves, and which one does the silhouette like? Who stands at the right end?"),
      el("div", { class: "play-controls" }, control.node),
      plot,
      text,
      shelves,
    );
    draw();
  });
})();
