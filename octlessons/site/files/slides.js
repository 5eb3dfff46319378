/* One slide at a time. Arrows, Page Up and Down, space, Home, End; N shows the notes. Without this
   script all slides stand beneath each other. */
(() => {
  "use strict";
  const slides = [...document.querySelectorAll(".slide")];
  const keys = document.querySelector(".keys");
  const status = keys.querySelector("[role=status]");
  const notes = keys.querySelector("[data-notes]");
  let here = -1;

  const go = (number, focus = true) => {
    const next = Math.max(0, Math.min(slides.length - 1, number));
    if (next === here) return;
    if (here >= 0) slides[here].classList.remove("here");
    here = next;
    slides[here].classList.add("here");
    status.textContent = `${here + 1} / ${slides.length}`;
    history.replaceState(null, "", `#${slides[here].id}`);
    if (focus) slides[here].focus({ preventScroll: true });
  };
  const named = () => slides.findIndex((slide) => `#${slide.id}` === location.hash);
  const toggle = () => {
    const on = document.body.classList.toggle("with-notes");
    notes.setAttribute("aria-pressed", String(on));
  };

  const MOVES = {
    ArrowRight: () => go(here + 1),
    PageDown: () => go(here + 1),
    " ": () => go(here + 1),
    ArrowLeft: () => go(here - 1),
    PageUp: () => go(here - 1),
    Home: () => go(0),
    End: () => go(slides.length - 1),
    n: toggle,
    N: toggle,
  };
  document.addEventListener("keydown", (event) => {
    const onButton = event.target.closest("button, a, summary");
    if (event.ctrlKey || event.metaKey || event.altKey || (event.key === " " && onButton)) return;
    const move = MOVES[event.key];
    if (!move) return;
    event.preventDefault();
    move();
  });
  for (const button of keys.querySelectorAll("[data-move]")) {
    button.addEventListener("click", () => go(here + Number(button.dataset.move), false));
  }
  notes.addEventListener("click", toggle);
  addEventListener("hashchange", () => go(named()));

  document.body.classList.add("show");
  keys.hidden = false;
  go(Math.max(0, named()), false);
})();
