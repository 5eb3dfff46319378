/* Cells of the page: changed and run where they stand, with the names that the page's cells share. */
(() => {
  "use strict";

  const live = window.octlessonsLive;
  const { Bench, block, make, problem } = live;
  const NOTE = "Here the code draws its own scans (phantoms), so numbers can differ from those of the page. Cells that this one needs run first.";
  const opened = new Map(); // index: bench
  let given = [];

  live.cells = (sources) => { given = sources; };

  /* Every cell as the reader has it now: open ones from their editors. */
  const sources = () => given.map((source, index) => (opened.has(index) ? opened.get(index).field.value : source));

  const picture = ({ alt, caption, light: day, dark: night, width }) => {
    const one = (data, name) =>
      make("img", { src: `data:image/png;base64,${data}`, alt, width, className: name });
    const figure = make("figure", { className: "octlessons-figure" }, one(day, "only-light"), one(night, "only-dark"));
    if (caption) figure.append(make("figcaption", { textContent: caption }));
    return figure;
  };

  class Cell extends Bench {
    constructor(place) {
      const cell = place.closest("[class*='live-cell-']");
      const index = Number(cell.className.match(/live-cell-(\d+)/)[1]);
      const number = [...document.querySelectorAll("[class*='live-cell-']")].indexOf(cell) + 1;
      super(place, { source: given[index], key: `${live.page}.${index}`, title: `cell ${number} of this page` });
      this.index = index;
      opened.set(index, this);
      place.parentElement.querySelector(".cell_input").hidden = true;
      this.buttons.append(this.runs, this.stops, this.resets);
      place.append(make("p", { className: "live-marks", textContent: NOTE }));
      this.run();
    }

    run() {
      const question = { kind: "cell", sources: JSON.stringify(sources()), index: this.index };
      return this.ask(question, (result, seconds) => {
        this.show(this.parts(result));
        this.say(result.problem ? "It stopped with an error." : `It ran in ${seconds} s.`);
      });
    }

    parts(result) {
      const found = [];
      const elsewhere = result.cell !== this.index;
      if (result.printed) found.push(block("It printed", result.printed, "live-printed"));
      for (const thing of result.displayed) {
        found.push(thing.light ? picture(thing) : block("It shows", thing.text, "live-shown"));
      }
      if (result.shown) found.push(block("The last line gives", result.shown, "live-shown"));
      if (result.problem) {
        if (elsewhere) found.push(make("p", { textContent: "A cell that this one needs stopped:" }));
        found.push(problem(result.problem, elsewhere ? null : this.field));
      }
      if (!found.length) found.push(make("p", { textContent: "It ran, and showed nothing: the names that it made are there for the cells below." }));
      return found;
    }
  }

  live.openCell = async (place) => {
    if (!given.length) await live.script(`cells/${live.page}.js`);
    new Cell(place);
  };
})();
