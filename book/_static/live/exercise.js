/* The workspace of an exercise: run, check, hints one at a time, the file to hand in. */
(() => {
  "use strict";

  const live = window.octlessonsLive;
  const { Bench, block, make, shown } = live;
  const MARKS =
    "Checks here are for you, with the checks of octlessons check. Marks come from the grader: it takes the file that Download gives.";

  const report = (result) => {
    if (result.problem) return [block("The checks could not run", result.problem, "live-problem")];
    const list = make("ul", { className: "live-checks" });
    for (const { sign, title, outcome, message } of result.results) {
      const item = make("li", { className: `is-${outcome.replace(" ", "-")}` });
      item.append(make("span", { className: "live-sign", textContent: sign, ariaHidden: "true" }), " ", make("span", { className: "live-outcome", textContent: `${outcome}: ` }), title);
      if (message) item.append(make("pre", { textContent: message, tabIndex: 0 }));
      list.append(item);
    }
    const parts = [list];
    if (result.printed.trim()) parts.push(block("Your code printed", result.printed, "live-printed"));
    return parts;
  };

  class Exercise extends Bench {
    constructor(place) {
      const box = place.closest(".exercise");
      const { exercise, title } = place.dataset;
      super(place, { source: box.querySelector("details.stub pre").textContent, key: exercise, title });
      Object.assign(this, { box, name: exercise });
      this.checks = this.button("Check", () => this.check(), "live-first");
      this.hints = this.button("Hint", () => this.hint());
      this.folds = [...box.querySelectorAll("details.hint")];
      this.folds.forEach((fold) => { fold.hidden = !fold.open; });
      this.countHints();
      this.buttons.append(this.runs, this.checks, this.stops, this.hints, this.resets, this.button("Download", () => this.download()));
      place.append(make("p", { className: "live-marks", textContent: MARKS }));
      this.wake();
    }

    get acting() { return [this.runs, this.checks]; }

    run() {
      return this.ask({ kind: "run", source: this.field.value, file: `${this.name}.py` }, (result, seconds) => {
        this.show(shown(result, this.field));
        this.say(result.problem ? "It stopped with an error." : `It ran in ${seconds} s.`);
      });
    }

    check() {
      return this.ask({ kind: "check", exercise: this.name, source: this.field.value }, (result) => {
        this.show(report(result));
        if (result.problem) this.say("The checks could not run.");
        else {
          const outcome = result.outcome[0].toUpperCase() + result.outcome.slice(1);
          this.say(`${outcome}: ${result.points} of ${result.max_points} points in the checks here.`);
          const after = this.box.querySelector("details.after");
          if (result.outcome === "passed" && after) after.open = true;
        }
      });
    }

    countHints() {
      const left = this.folds.filter((fold) => fold.hidden).length;
      this.hints.hidden = left === 0;
      this.hints.textContent = `Hint ${this.folds.length - left + 1} of ${this.folds.length}`;
    }

    hint() {
      const fold = this.folds.find((one) => one.hidden);
      fold.hidden = false;
      fold.open = true;
      this.countHints();
      fold.querySelector("summary").focus();
    }

    download() {
      const url = URL.createObjectURL(new Blob([this.field.value], { type: "text/x-python" }));
      const link = make("a", { href: url, download: `${this.name}.py` });
      document.body.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(url), 1000);
      this.say(`Saved as ${this.name}.py: octlessons check ${this.name} --file ${this.name}.py checks it, and the grader takes it.`);
    }
  }

  live.openExercise = (place) => new Exercise(place);
})();
