/* Confusion matrices under another mix of classes. */
(() => {
  "use strict";
  const { asks, button, define, el, listing, mark, number, says, slider, svg } = CoursePlay;

  define("class-mix", (stage, data) => {
    const names = data.classes;
    const sum = (values) => values.reduce((a, b) => a + b, 0);
    const mean = (values) => sum(values) / values.length;
    const percent = (value) => `${number(100 * value, 1)} %`;
    /* What a network calls a scan of each class does not depend on the mix. */
    const networks = data.networks.map((one) => ({ ...one, calls: one.matrix.map((row) => row.map((v) => v / sum(row))) }));
    let mix, called;

    const ROW = 62, W = 560, LEFT = 4;
    const plot = svg("svg", { class: "play-plot", viewBox: `0 0 ${W} ${networks.length * ROW + 22}`, role: "img" });
    const table = el("table", { class: "play-table" });
    const text = says();

    const scores = (calls) => {
      const share = mix.map((v) => v / sum(mix));
      const cells = calls.map((row, i) => row.map((v) => v * share[i]));
      const found = calls.map((row, i) => row[i]);
      const asked = names.map((_, j) => sum(cells.map((row) => row[j])));
      return {
        share,
        found,
        precision: names.map((_, i) => (asked[i] ? cells[i][i] / asked[i] : 0)),
        accuracy: sum(found.map((v, i) => v * share[i])),
        balanced: mean(found),
        macro: mean(names.map((_, i) => (share[i] + asked[i] ? (2 * cells[i][i]) / (share[i] + asked[i]) : 0))),
      };
    };
    const draw = () => {
      const all = networks.map((one) => scores(one.calls));
      const at = (v) => LEFT + v * (W - LEFT - 90);
      plot.replaceChildren(
        ...networks.flatMap((one, i) => {
          const y = i * ROW + 34;
          return [
            svg("text", { x: LEFT, y: y - 14, text: one.name }),
            svg("rect", { x: LEFT, y: y - 8, height: 17, width: at(all[i].accuracy) - LEFT, style: "fill:var(--play-tone-0)" }),
            svg("text", { x: at(all[i].accuracy) + 6, y: y + 5, text: percent(all[i].accuracy) }),
            svg("rect", { x: LEFT, y: y + 12, height: 6, width: at(all[i].balanced) - LEFT, style: "fill:var(--play-tone-1)" }),
          ];
        }),
        svg("path", { class: "play-axis", d: `M${LEFT} 0V${networks.length * ROW}` }),
        mark(0, LEFT + 6, networks.length * ROW + 12, 5),
        svg("text", { x: LEFT + 16, y: networks.length * ROW + 17, text: "accuracy" }),
        mark(1, LEFT + 146, networks.length * ROW + 12, 5),
        svg("text", { x: LEFT + 156, y: networks.length * ROW + 17, text: "balanced accuracy" }),
      );
      const told = networks.map((one, i) => `${one.name} ${percent(all[i].accuracy)} (balanced ${percent(all[i].balanced)})`);
      plot.setAttribute("aria-label", `Accuracy: ${told.join(", ")}`);
      const best = all.reduce((top, one, i) => (one.accuracy > all[top].accuracy ? i : top), 0);
      text.textContent =
        `${called}: accuracy ${listing(told)}. The highest accuracy: ${networks[best].name}. ` +
        `Macro-F1 of the ${networks[0].name}: ${percent(all[0].macro)}.`;
      table.replaceChildren(
        el("caption", { text: `The ${networks[0].name} on this mix` }),
        el("thead", {}, el("tr", {}, ["class", "share of the test", "found (recall)", "right when called so (precision)"].map((t) => el("th", { scope: "col", text: t })))),
        el(
          "tbody",
          {},
          names.map((name, i) =>
            el("tr", {}, el("th", { scope: "row", text: name }), [all[0].share[i], all[0].found[i], all[0].precision[i]].map((v) => el("td", { text: percent(v) })))),
        ),
      );
    };
    const sliders = names.map((name, i) =>
      slider({
        label: name,
        min: 0,
        max: 100,
        value: 0,
        change: () => {
          mix = sliders.map((one) => Number(one.input.value));
          if (!sum(mix)) mix[i] = 1;
          called = "Your mix";
          draw();
        },
      }));
    const use = (one) => {
      sliders.forEach((control, i) => control.set(Math.round((100 * one.scans[i]) / sum(one.scans))));
      mix = [...one.scans];
      called = one.name[0].toUpperCase() + one.name.slice(1);
      draw();
    };
    stage.append(
      asks("Same networks, same answers, another test. Find a mix for which the useless network wins. What does the balanced accuracy say to that?"),
      el("div", { class: "play-controls" }, data.mixes.map((one) => button(one.name, () => use(one)))),
      el("div", { class: "play-controls", role: "group", "aria-label": "Parts of each class in the test" }, sliders.map((one) => one.node)),
      plot,
      text,
      el("div", { class: "play-scroll", tabindex: "0", role: "region", "aria-label": "Share, recall and precision of each class" }, table),
    );
    use(data.mixes[0]);
  });
})();
