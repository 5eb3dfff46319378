/* What all figures to play with share: the stage that takes the picture's place, its controls, its
   sentences, and drawing. A figure is CoursePlay.define(name, build): build(stage, data) fills the
   stage. Should it fail, the still picture stays; should it give false, the picture stays beneath. */
(() => {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";
  let numbered = 0;

  const put = (node, attributes, children) => {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (name === "text") node.textContent = value;
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value != null) node.setAttribute(name, value);
    }
    node.append(...children.flat(Infinity).filter((child) => child != null));
    return node;
  };
  const el = (tag, attributes, ...children) =>
    put(document.createElement(tag), attributes, children);
  const svg = (tag, attributes, ...children) =>
    put(document.createElementNS(SVG, tag), attributes, children);

  /* Controls: native ones, each with a visible name. */
  const labelled = (label, control, after) => {
    control.id = `play-${(numbered += 1)}`;
    return el("div", { class: "play-control" }, el("label", { for: control.id, text: label }), control, after);
  };
  const button = (text, onclick, attributes) =>
    el("button", { type: "button", class: "play-button", text, onclick, ...attributes });
  const slider = ({ label, min, max, step = 1, value, tell = String, change }) => {
    const input = el("input", { type: "range", min, max, step, value });
    const output = el("output", { "aria-hidden": "true" });
    const show = () => {
      output.textContent = tell(Number(input.value));
      input.setAttribute("aria-valuetext", output.textContent);
    };
    input.addEventListener("input", () => {
      show();
      change(Number(input.value));
    });
    show();
    const set = (to) => {
      input.value = to;
      show();
    };
    return { node: labelled(label, input, output), input, set };
  };
  const choice = ({ label, options, value = 0, change }) => {
    const select = el("select", { onchange: () => change(Number(select.value)) });
    options.forEach((text, place) => select.append(el("option", { value: place, text })));
    select.value = value;
    return { node: labelled(label, select), select };
  };

  /* Text: what is said at once, and what is asked of the reader. */
  const says = () => el("p", { class: "play-says", "aria-live": "polite" });
  const asks = (text) => el("p", { class: "play-asks", text });
  const number = (value, digits = 2) => value.toFixed(digits).replace("-", "−");
  const percent = (value) => `${Math.round(100 * value)} %`;
  const plural = (n, one, many = `${one}s`) => `${n} ${n === 1 ? one : many}`;
  const listing = (parts) =>
    parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;

  /* Pictures. */
  const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const paint = (canvas, grey, h, w, top = 255) => {
    canvas.width = w;
    canvas.height = h;
    const context = canvas.getContext("2d");
    const image = context.createImageData(w, h);
    for (let i = 0; i < h * w; i += 1) {
      const value = Math.max(0, Math.min(255, (grey[i] / top) * 255));
      image.data.set([value, value, value, 255], 4 * i);
    }
    context.putImageData(image, 0, 0);
  };
  const canvas = (name) => el("canvas", { class: "play-scan", role: "img", "aria-label": name });
  const tile = (sheet, place, size, name) => {
    const scale = size / sheet.w;
    const x = (place % sheet.columns) * size;
    const y = Math.floor(place / sheet.columns) * sheet.h * scale;
    return el("span", {
      class: "play-tile",
      role: name && "img",
      "aria-label": name,
      "aria-hidden": name ? null : "true",
      style:
        `width:${size}px;height:${sheet.h * scale}px;background:url(${sheet.src}) ` +
        `-${x}px -${y}px / ${sheet.columns * size}px auto`,
    });
  };

  /* Marks of clusters and classes: a colour and a form, as in the still figures. */
  const FORMS = [
    (r) => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`,
    (r) => `M${-r} ${-r}h${2 * r}v${2 * r}h${-2 * r}z`,
    (r) => `M0 ${-1.2 * r}L${1.1 * r} ${0.9 * r}H${-1.1 * r}z`,
    (r) => `M0 ${-1.3 * r}L${1.3 * r} 0L0 ${1.3 * r}L${-1.3 * r} 0z`,
    (r) => `M0 ${1.2 * r}L${1.1 * r} ${-0.9 * r}H${-1.1 * r}z`,
    (r) => `M${-r / 2.4} ${-r}h${r / 1.2}v${r / 1.7}h${r / 1.7}v${r / 1.2}h${-r / 1.7}v${r / 1.7}h${-r / 1.2}v${-r / 1.7}h${-r / 1.7}v${-r / 1.2}h${r / 1.7}z`,
    (r) => `M${-r} ${-r}L${r} ${r}M${r} ${-r}L${-r} ${r}`,
    (r) => `M0 ${-r}V${r}M${-r} 0H${r}`,
  ];
  const tone = (i) => (i < 0 ? "var(--play-muted)" : `var(--play-tone-${i % 8})`);
  const mark = (i, x, y, r = 5) =>
    svg("path", {
      class: "play-mark",
      d: FORMS[Math.max(0, i) % 8](r),
      transform: `translate(${x} ${y})`,
      style: `fill:${tone(i)};stroke:${i >= 0 && i % 8 > 5 ? tone(i) : "var(--play-paper)"}`,
    });
  const dot = (i) => svg("svg", { class: "play-dot", viewBox: "-8 -8 16 16", "aria-hidden": "true" }, mark(i, 0, 0, 6));

  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  /* Numbers by chance that come again: mulberry32. */
  const chance = (seed) => () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const shuffled = (items, random) => {
    const deck = [...items];
    for (let last = deck.length - 1; last > 0; last -= 1) {
      const other = Math.floor(random() * (last + 1));
      [deck[last], deck[other]] = [deck[other], deck[last]];
    }
    return deck;
  };

  const define = (name, build) => {
    customElements.define(
      `play-${name}`,
      class extends HTMLElement {
        connectedCallback() {
          if (this.querySelector(".play-stage")) return;
          const figure = this.querySelector("figure");
          const data = JSON.parse(this.querySelector("script").textContent);
          const stage = el("div", { class: "play-stage", role: "group", "aria-label": "Figure to play with" });
          let plays;
          try {
            plays = build(stage, data);
          } catch (error) {
            console.error(`The figure ${name} stays still.`, error);
            return;
          }
          figure.prepend(stage);
          if (plays !== false) figure.classList.add("is-playing");
        }
      },
    );
  };

  window.CoursePlay = {
    asks, button, bytes, canvas, chance, choice, define, dot, el, listing, mark, number, paint,
    percent, plural, says, shuffled, slider, still, svg, tile, tone,
  };
})();
