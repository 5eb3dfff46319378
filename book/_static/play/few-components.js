/* One ill scan, rebuilt from more and more components. */
(() => {
  "use strict";
  const { asks, bytes, button, choice, define, el, percent, plural, says, slider } = CoursePlay;

  define("few-components", (stage, data) => {
    const { h, w } = data.sheet;
    const outline = bytes(data.outline);
    const found = data.found;
    const size = 230;
    let fit = data.fits.length - 1;
    let at = 0;
    let marked = false;

    const picture = new Image();
    const draw = el("canvas", { class: "play-scan", role: "img", width: 2 * w, height: 2 * h });
    const whole = el("canvas", { class: "play-scan", role: "img", "aria-label": "The scan itself", width: 2 * w, height: 2 * h });
    const hidden = el("div", { class: "play-veil", style: `width:${size}px` }, whole, "the scan itself");
    const text = says();

    const paintOn = (canvas, place) => {
      const context = canvas.getContext("2d");
      const [x, y] = [(place % data.sheet.columns) * w, Math.floor(place / data.sheet.columns) * h];
      context.imageSmoothingQuality = "high";
      context.drawImage(picture, x, y, w, h, 0, 0, 2 * w, 2 * h);
      if (!marked) return;
      context.fillStyle = "#ee5d04";
      outline.forEach((byte, i) => {
        for (let bit = 0; bit < 8; bit += 1) {
          const pixel = 8 * i + bit;
          if ((byte >> (7 - bit)) & 1 && pixel < h * w) context.fillRect(2 * (pixel % w), 2 * Math.floor(pixel / w), 2, 2);
        }
      });
    };
    const show = () => {
      const one = data.fits[fit].steps[at];
      if (picture.complete && picture.naturalWidth) {
        paintOn(draw, one.tile);
        paintOn(whole, data.sheet.n - 1);
      }
      draw.setAttribute("aria-label", `The scan rebuilt from ${plural(one.m, "component")}`);
      hidden.style.visibility = marked ? "visible" : "hidden";
      text.textContent =
        `${plural(one.m, "component")}, ${percent(one.share)} of the variance of the scans that PCA was fitted on.` +
        (marked && found ? ` Of what varies inside this lesion, ${percent(one.lesion)} is there; in the rest of the retina, ${percent(one.retina)}.` : "") +
        (marked && !found ? " No lesion is known in this scan: look for the layers instead." : "");
    };
    const longest = Math.max(...data.fits.map((one) => one.steps.length));
    const control = slider({
      label: "Components",
      min: 0,
      max: longest - 1,
      value: 0,
      tell: (i) => `${data.fits[fit].steps[Math.min(i, data.fits[fit].steps.length - 1)].m}`,
      change: (i) => {
        at = Math.min(i, data.fits[fit].steps.length - 1);
        show();
      },
    });
    const see = button("Now I see it", () => {
      marked = !marked;
      see.textContent = marked ? "Hide the answer" : "Now I see it";
      show();
    });
    const which = choice({
      label: "PCA was fitted",
      options: data.fits.map((one) => one.name),
      value: fit,
      change: (i) => {
        fit = i;
        at = Math.min(at, data.fits[fit].steps.length - 1);
        control.set(at);
        show();
      },
    });
    picture.addEventListener("load", show);
    picture.src = data.sheet.src;
    stage.append(
      asks("This scan is ill. Add components until you first see where, press the button, and compare with the scan itself."),
      el("div", { class: "play-controls" }, control.node, which.node, see),
      el("div", { class: "play-scans" }, el("div", { style: `width:${size}px` }, draw, "rebuilt"), hidden),
      text,
    );
    show();
  });
})();
