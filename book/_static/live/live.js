/* Code that runs in the page. Shows the buttons, and loads the rest when one is pressed. Without
   this script the pages keep their code, and nothing else changes. */
(() => {
  "use strict";

  const base = new URL(".", document.currentScript.src).href;
  const version = new URL(document.currentScript.src).search;
  const coming = new Map();

  const live = {
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
    load() {
      const style = document.createElement("link");
      style.rel = "stylesheet";
      style.href = live.address("live.css");
      if (!document.querySelector("link[href*='live/live.css']")) document.head.append(style);
      return Promise.all([live.script("worker.js"), live.script("python/manifest.js", Date.now()), live.script("workspace.js")]);
    },
  };
  window.octlessonsLive = live;

  const open = async (button) => {
    const place = button.closest(".live");
    const said = place.querySelector(".live-said");
    button.disabled = true;
    said.textContent = "Loading the editor …";
    try {
      await live.script("machine.js");
      await live.load();
      said.textContent = "";
      live.open(place);
    } catch (error) {
      button.disabled = false;
      said.textContent = "This could not be loaded. Look at your connection, and press again.";
    }
  };

  for (const button of document.querySelectorAll(".live-open")) {
    button.hidden = false;
    button.addEventListener("click", () => open(button));
  }
})();
