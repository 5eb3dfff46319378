/* Drop a scan: what the course's networks see in it, beside drawn scans. Nothing leaves the page. */
(() => {
  "use strict";
  const { button, bytes, chance, choice, define, dot, el, listing, mark, number, paint, percent, plural, slider, svg, tile, tone } = CoursePlay;
  const beside = document.currentScript.src.replace(/play\/[^/]*$/, "drop/");
  const MOST = 200, NEIGHBOURS = 5, ENOUGH = 6;
  const LINES = ["inner limiting membrane", "retinal pigment epithelium", "Bruch's membrane"];

  const load = (name) =>
    new Promise((done, fail) => {
      if (document.querySelector(`script[src="${beside + name}"]`)) return done();
      const tag = el("script", { src: beside + name });
      tag.onload = done;
      tag.onerror = () => fail(new Error(`${name} could not be loaded`));
      document.head.append(tag);
    });
  /* All files of what was dropped, folders opened. */
  const filesOf = async (items) => {
    const entries = [...items].map((item) => item.webkitGetAsEntry && item.webkitGetAsEntry()).filter(Boolean);
    const inside = async (entry) => {
      if (entry.isFile) return [await new Promise((done, fail) => entry.file(done, fail))];
      const reader = entry.createReader();
      const found = [];
      for (;;) {
        const some = await new Promise((done, fail) => reader.readEntries(done, fail));
        if (!some.length) break;
        found.push(...some);
      }
      return (await Promise.all(found.map(inside))).flat();
    };
    return (await Promise.all(entries.map(inside))).flat();
  };

  define("drop-scans", (stage, data) => {
    if (!document.querySelector('meta[name="course-drop"]')) {
      stage.append(el("p", { class: "play-asks", text: "This copy of the course was built without what runs networks in a page: octlessons cluster FOLDER does the same, and more, in a terminal." }));
      return false;
    }
    const d = data.components[0].length;
    const whole = bytes(data.rows);
    const drawn = Array.from({ length: data.n }, (_, i) => Float32Array.from(new Int16Array(whole.buffer, 2 * d * i, d), (v) => v / 32767));
    const place = (row) => data.components.map((component) => component.reduce((sum, weight, i) => sum + weight * (row[i] - data.mean[i]), 0));
    const drawnAt = drawn.map(place);
    let scans = [];
    let shown = 0;
    let working = false;
    let stopped = false;

    const says = el("p", { class: "play-says", "aria-live": "polite" });
    const problems = el("ul", { class: "play-small" });
    const results = el("div", { class: "drop-results", hidden: true });
    const pick = (attributes) => el("input", { type: "file", multiple: true, class: "drop-file", onchange: (event) => take([...event.target.files]), ...attributes });
    const files = pick({ accept: "image/*", "aria-label": "Scans to look at" });
    const folder = pick({ webkitdirectory: true, "aria-label": "A folder of scans to look at" });
    const stop = button("Stop", () => { stopped = true; }, { hidden: true });
    const zone = el(
      "div",
      {
        class: "drop-zone",
        ondragover: (event) => {
          event.preventDefault();
          zone.classList.add("is-over");
        },
        ondragleave: () => zone.classList.remove("is-over"),
        ondrop: async (event) => {
          event.preventDefault();
          zone.classList.remove("is-over");
          const whole = event.dataTransfer;
          take(whole.items.length ? await filesOf(whole.items) : [...whole.files]);
        },
      },
      el("p", {}, "Drop a scan or a folder here, or"),
      el(
        "div",
        { class: "play-controls" },
        button("Choose scans", () => files.click()),
        button("Choose a folder", () => folder.click()),
        button("Try it with drawn ones", () => tryIt()),
        stop,
      ),
      files,
      folder,
    );

    const tryIt = () => take(data.examples.map((text, i) => new File([bytes(text)], `drawn ${i + 1}.webp`, { type: "image/webp" })));

    const take = async (found) => {
      files.value = folder.value = "";
      if (working || !found.length) return;
      working = true;
      stopped = false;
      stop.hidden = false;
      problems.replaceChildren();
      const refuse = (name, why) => problems.append(el("li", { text: `${name} ${why}.` }));
      const pictures = found.filter((file) => !file.name.startsWith(".")).sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
      if (pictures.length > MOST) refuse(`${pictures.length - MOST} of ${pictures.length} files`, `are left out: a page takes ${MOST}, octlessons cluster FOLDER takes any number`);
      scans = [];
      try {
        says.textContent = "Loading.";
        await load("network.js");
        await Promise.all(["prepare.js", "groups.js"].map(load));
        const networks = await CourseDrop.load((text) => { says.textContent = text; });
        const wanted = pictures.slice(0, MOST);
        for (const [i, file] of wanted.entries()) {
          if (stopped) break;
          says.textContent = `Looking at ${i + 1} of ${wanted.length}.`;
          await new Promise((done) => setTimeout(done));
          try {
            const scan = await CourseDrop.read(file);
            const seen = await CourseDrop.see(networks, scan);
            scans.push({ name: file.name, h: scan.h, w: scan.w, inverted: CourseDrop.inverted(scan), ...seen });
          } catch (error) {
            refuse(file.name, error.message);
          }
        }
        const done = `${plural(scans.length, "scan")} looked at${stopped ? ", then stopped" : ""}. Nothing has left this machine.`;
        says.textContent = scans.length ? done : "There was no scan to look at.";
        shown = 0;
        draw();
      } catch (error) {
        says.textContent = `It does not work in this browser (${error.message}): octlessons cluster FOLDER does the same in a terminal.`;
      }
      working = false;
      stop.hidden = true;
    };

    /* One scan: layers, tissues, neighbours. */
    const picture = el("canvas", { class: "play-scan", role: "img" });
    const words = el("p", {});
    const near = el("div", { class: "play-scans" });
    const map = svg("svg", { class: "play-plot", viewBox: "0 0 560 330", role: "img" });
    const table = el("div", { class: "play-shelves" });
    const which = el("select", { "aria-label": "Scan", onchange: () => {
      shown = Number(which.value);
      drawOne();
    } });
    const layers = el("input", { type: "checkbox", checked: true, id: "drop-layers", onchange: () => drawOne() });
    const lesions = el("input", { type: "checkbox", checked: true, id: "drop-lesions", onchange: () => drawOne() });
    const kinds = data.tissues.map((name, i) => ({ name, i })).filter(({ name }) => data.lesions.includes(name));

    const drawPicture = (scan) => {
      const side = CourseDrop.SIDE;
      const small = document.createElement("canvas");
      paint(small, scan.small, side, side);
      const wide = 640;
      const tall = Math.round(wide * Math.min(1, Math.max(0.4, scan.h / scan.w)));
      picture.width = wide;
      picture.height = tall;
      const context = picture.getContext("2d");
      context.drawImage(small, 0, 0, wide, tall);
      const colours = getComputedStyle(stage);
      const of = (i) => colours.getPropertyValue(`--play-tone-${i % 8}`).trim();
      if (lesions.checked) {
        const cells = el("canvas", { width: scan.wide, height: scan.tall });
        const tints = cells.getContext("2d");
        scan.tissue.forEach((kind, cell) => {
          const at = kinds.findIndex(({ i }) => i === kind);
          if (at < 0) return;
          tints.fillStyle = of(at);
          tints.fillRect(cell % scan.wide, Math.floor(cell / scan.wide), 1, 1);
        });
        context.imageSmoothingEnabled = false;
        context.globalAlpha = 0.6;
        context.drawImage(cells, 0, 0, wide, tall);
        context.globalAlpha = 1;
      }
      if (layers.checked) {
        scan.lines.forEach((line, i) => {
          context.beginPath();
          line.forEach((row, x) => context.lineTo(((x + 0.5) * wide) / side, ((row + 0.5) * tall) / side));
          context.lineWidth = 2.5;
          context.setLineDash([[], [9, 5], [2, 4]][i]);
          context.strokeStyle = ["#ffffff", "#ffd23f", "#7ce0ff"][i];
          context.stroke();
          context.setLineDash([]);
        });
      }
    };
    const drawOne = () => {
      const scan = scans[shown];
      which.value = shown;
      drawPicture(scan);
      const areas = kinds
        .map(({ name, i }, at) => ({ name, at, share: scan.tissue.filter((kind) => kind === i).length / scan.tissue.length }))
        .filter((one) => one.share > 0.0005)
        .sort((a, b) => b.share - a.share);
      const order = drawn.map((row, i) => [Math.sqrt(CourseDrop.squared(scan.row, row)), i]).sort((a, b) => a[0] - b[0]).slice(0, NEIGHBOURS);
      const far = order[0][0] > data.usual;
      picture.setAttribute("aria-label", `${scan.name} with ${layers.checked ? "three lines" : "no lines"}${lesions.checked ? `, coloured: ${listing(areas.map((one) => one.name)) || "nothing"}` : ""}`);
      words.replaceChildren(
        ...(areas.length ? ["The network takes for ", areas.flatMap((one, i) => [i ? "; " : "", dot(one.at), `${one.name} ${number(100 * one.share, 1)} % of the picture`]).flat(), ". "].flat() : ["The network marks no lesion. "]),
        `It is ${percent(scan.sure)} sure of its lines. `,
        far ? `The nearest drawing is ${number(order[0][0])} away, farther than most drawings are from each other (${number(data.usual)}): such a picture it has not learnt, so trust none of this. ` : "",
        scan.inverted ? "This scan looks inverted, dark on light: the networks know light tissue on a dark ground. " : "",
      );
      near.replaceChildren(...order.map(([distance, i]) => el("div", { style: "width:88px" }, tile(data.sheet, i, 88, `Drawn as ${data.classes[data.labels[i]]}`), el("span", {}, dot(data.labels[i]), `${data.classes[data.labels[i]]} ${number(distance)}`))));
      drawMap();
    };
    const drawMap = () => {
      const own = scans.map((scan) => place(scan.row));
      const all = [...drawnAt, ...own];
      const span = (i) => [Math.min(...all.map((p) => p[i])), Math.max(...all.map((p) => p[i]))];
      const [[left, right], [low, high]] = [span(0), span(1)];
      const at = ([x, y]) => [20 + ((x - left) / (right - left || 1)) * 520, 310 - ((y - low) / (high - low || 1)) * 290];
      map.setAttribute("aria-label", `Map of ${data.n} drawn scans and ${plural(scans.length, "scan")} of yours, number ${shown + 1} ringed`);
      map.replaceChildren(
        svg("g", { opacity: 0.45 }, drawnAt.map((p, i) => mark(data.labels[i], ...at(p), 4))),
        ...own.map((p, i) => [i === shown, i, at(p)]).sort((a, b) => a[0] - b[0]).map(([chosen, i, [x, y]]) =>
          svg(
            "g",
            { class: "drop-own" },
            svg("circle", { cx: x, cy: y, r: chosen ? 12 : 9, style: `fill:var(--play-ink);stroke:var(--play-tone-0);stroke-width:${chosen ? 4 : 0}` }),
            svg("text", { x, y: y + 4, "text-anchor": "middle", style: "fill:var(--play-paper);font-weight:700;font-size:11px", text: `${i + 1}` }),
          )),
      );
    };

    /* Several scans: groups. */
    const group = slider({ label: "Groups", min: 2, max: 8, value: 3, change: () => drawGroups() });
    const drawGroups = () => {
      const rows = scans.map((scan) => scan.row);
      const k = Math.min(Number(group.input.value), scans.length - 1);
      const { clusters } = CourseDrop.kMeans(rows, k, chance(0));
      const score = CourseDrop.silhouette(rows, clusters);
      grouped.textContent = `${k} groups of ${listing(Array.from({ length: k }, (_, c) => clusters.filter((own) => own === c).length))} scans, mean silhouette ${number(score)}. They are groups of like pictures, not of diseases: look at them, and ask what else they share.`;
      table.replaceChildren(
        ...Array.from({ length: k }, (_, c) =>
          el(
            "div",
            { class: "play-shelf" },
            el("span", {}, dot(c), `group ${c}`),
            el("div", {}, scans.flatMap((scan, i) => (clusters[i] === c ? [thumb(scan, i)] : []))),
          )),
      );
      scans.forEach((scan, i) => { scan.group = clusters[i]; });
    };
    const grouped = el("p", { "aria-live": "polite" });
    const thumb = (scan, i) => {
      const small = el("canvas", { class: "play-scan", "aria-hidden": "true" });
      paint(small, scan.small, CourseDrop.SIDE, CourseDrop.SIDE);
      return el("button", { type: "button", class: "play-pick drop-thumb", title: scan.name, "aria-label": `Show ${scan.name}`, onclick: () => {
        shown = i;
        drawOne();
        which.scrollIntoView({ block: "nearest" });
      } }, small);
    };
    const save = button("Save the numbers as CSV", () => {
      const quoted = (text) => `"${text.replace(/"/g, '""')}"`;
      const head = ["file", ...(scans.length >= ENOUGH ? ["group"] : []), ...Array.from({ length: d }, (_, i) => `f${i}`)];
      const lines = scans.map((scan) => [quoted(scan.name), ...(scans.length >= ENOUGH ? [scan.group] : []), ...Array.from(scan.row, (v) => v.toPrecision(7))].join(","));
      const link = el("a", { download: "rows.csv", href: URL.createObjectURL(new Blob([[head.join(","), ...lines].join("\n"), "\n"], { type: "text/csv" })) });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    });

    const draw = () => {
      results.hidden = !scans.length;
      if (!scans.length) return;
      which.replaceChildren(...scans.map((scan, i) => el("option", { value: i, text: `${i + 1}. ${scan.name}` })));
      several.hidden = scans.length < ENOUGH;
      if (scans.length >= ENOUGH) {
        group.input.max = Math.min(8, scans.length - 1);
        drawGroups();
      }
      drawOne();
    };
    const several = el("div", { hidden: true }, el("p", { class: "play-title", text: "Groups" }), el("div", { class: "play-controls" }, group.node), grouped, table);
    const check = (input, text) => el("div", { class: "play-control" }, input, el("label", { for: input.id, text }));
    results.append(
      el("div", { class: "play-controls" }, el("div", { class: "play-control" }, which), check(layers, "layers"), check(lesions, "lesions"), save),
      picture,
      el("p", { class: "play-small", text: `Lines: ${LINES[0]} (white), ${LINES[1]} (yellow, dashed), ${LINES[2]} (blue, dotted).` }),
      words,
      el("p", { class: "play-title", text: "The nearest drawings, and what they were drawn as" }),
      near,
      el("p", { class: "play-title", text: "Where it lies among drawings" }),
      map,
      el("p", { class: "play-small" }, "Marks: ", data.classes.map((name, i) => [dot(i), `${name} `]), "numbers: yours."),
      several,
    );
    /* A scan that misses the field must not open in the page's place. */
    for (const name of ["dragover", "drop"]) addEventListener(name, (event) => event.preventDefault());
    stage.append(zone, says, problems, results);
    says.textContent = "Nothing is loaded before you choose; then 9 MB are, from the place that this page came from.";
  });
})();
