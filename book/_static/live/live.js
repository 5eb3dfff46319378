/* Code that runs in the page. Makes the buttons, and loads the rest when one is pressed. Without
   this script the pages keep their code, and nothing else changes. */
(() => {
  "use strict";

  const base = new URL(".", document.currentScript.src).href;
  const version = new URL(document.currentScript.src).search;
  const coming = new Map();

  const live = {
    page: document.querySelector("meta[name=live-cells]")?.content,

    /* Where a file of this folder is; the mark keeps an older copy in a cache from being taken. */
    address: (name, mark) => `${base}${name}${mark ? `?v=${mark}` : version}`,

    /* Load a script of this folder, once. */
    script(name, mark) {
      if (!coming.has(name)) {
        coming.set(name, new Promise((resolve, reject) => {
          const script = document.createElement("script");
          script.src = live.address(name, mark);
          script.onload = resolve;
          script.onerror = () => {
            coming.delete(name);
            script.remove();
            reject(new Error(name));
          };
          document.head.append(script);
        }));
      }
      return coming.get(name);
    },

    /* Everything but Python itself. */
    async load() {
      if (!document.querySelector("link[href*='live/live.css']")) {
        document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: live.address("live.css") }));
      }
      await Promise.all([live.script("machine.js"), live.script("worker.js")]);
      await Promise.all([live.script("python/manifest.js"), live.script("bench.js")]);
      await Promise.all([live.script("exercise.js"), live.script("cells.js")]);
    },
  };
  window.octlessonsLive = live;

  const open = async (button) => {
    const place = button.closest(".live");
    const said = place.querySelector(".live-said");
    button.disabled = true;
    said.textContent = "Loading the editor …";
    try {
      await live.load();
      await (place.dataset.exercise ? live.openExercise(place) : live.openCell(place));
    } catch (error) {
      button.disabled = false;
      said.textContent = "This could not be loaded. Look at your connection, and press again.";
    }
  };

  const ready = (button) => {
    button.hidden = false;
    button.addEventListener("click", () => open(button));
  };

  document.querySelectorAll(".live-open").forEach(ready);
  for (const cell of live.page ? document.querySelectorAll("[class*='live-cell-'] .cell_input") : []) {
    const place = document.createElement("div");
    place.className = "live live-of-cell";
    place.innerHTML = '<button type="button" class="live-open">Run it here</button> <span class="live-said" role="status"></span>';
    cell.after(place);
    ready(place.firstChild);
  }
})();
