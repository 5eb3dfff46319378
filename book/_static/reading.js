/* What helps while reading: words that explain themselves, and wide things that keys can move. */
(() => {
  "use strict";

  /* Words of the glossary. Shown when pointed at or focused; stays while the pointer is on it; goes
     with Escape. Without this script the word is a link to the glossary. */
  let shown = null;
  let waiting = 0;

  const hide = () => {
    clearTimeout(waiting);
    if (shown) shown.hidden = true;
    shown = null;
  };

  const show = (link, note) => {
    hide();
    note.hidden = false;
    shown = note;
    const parent = (note.offsetParent || document.body).getBoundingClientRect();
    const line = link.getClientRects()[0];
    const room = document.documentElement.clientWidth;
    const left = Math.max(8, Math.min(line.left, room - note.offsetWidth - 8));
    const below = line.bottom + note.offsetHeight + 12 < window.innerHeight;
    const top = below || line.top < note.offsetHeight ? line.bottom : line.top - note.offsetHeight;
    note.style.left = `${left - parent.left}px`;
    note.style.top = `${top - parent.top}px`;
  };

  const later = (what, time) => {
    clearTimeout(waiting);
    waiting = setTimeout(what, time);
  };

  for (const link of document.querySelectorAll("a.term-link")) {
    const note = document.getElementById(link.getAttribute("aria-describedby"));
    if (!note) continue;
    link.addEventListener("pointerenter", (event) => {
      if (event.pointerType !== "touch") later(() => show(link, note), 120);
    });
    link.addEventListener("pointerleave", () => later(hide, 250));
    link.addEventListener("focus", () => link.matches(":focus-visible") && show(link, note));
    link.addEventListener("blur", hide);
    note.addEventListener("pointerenter", () => clearTimeout(waiting));
    note.addEventListener("pointerleave", () => later(hide, 250));
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });

  /* Paper is light. */
  const page = document.documentElement.dataset;
  let screen = page.theme;
  addEventListener("beforeprint", () => {
    hide();
    screen = page.theme;
    page.theme = "light";
  });
  addEventListener("afterprint", () => {
    page.theme = screen;
  });

  /* What is wider than the page scrolls by itself, so that keys must be able to reach it. */
  const WIDE = [
    [".math-display", "Formula, wider than the page"],
    [".bd-article .cell_output", "Output, wider than the page"],
    [".bd-article .pst-scrollable-table-container", "Table, wider than the page"],
    [".bd-article div.highlight pre", "Code, wider than the page"],
  ];

  const reach = () => {
    for (const [selector, name] of WIDE) {
      for (const box of document.querySelectorAll(selector)) {
        const wide = box.scrollWidth > box.clientWidth;
        if (wide && !box.hasAttribute("tabindex")) {
          box.setAttribute("tabindex", "0");
          box.setAttribute("role", "group");
          box.setAttribute("aria-label", name);
          box.dataset.reached = "";
        } else if (!wide && "reached" in box.dataset) {
          for (const added of ["tabindex", "role", "aria-label", "data-reached"]) {
            box.removeAttribute(added);
          }
        }
      }
    }
  };

  if ("ResizeObserver" in window) {
    const article = document.querySelector(".bd-article");
    if (article) new ResizeObserver(() => requestAnimationFrame(reach)).observe(article);
  }
  document.addEventListener("toggle", reach, true);
  reach();
})();
