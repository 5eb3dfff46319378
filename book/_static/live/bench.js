/* What the workspaces of exercises and cells share: the editor, edits kept, what came out, stop. */
(() => {
  "use strict";

  const live = window.octlessonsLive;
  const machine = live.python;
  const WITHOUT_STORAGE = "Your browser keeps nothing from this page: download your answer before you leave.";
  let number = 0;

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  const store = {
    key: (name) => `octlessons.live.${name}`,
    get(name) {
      try { return localStorage.getItem(this.key(name)); } catch { return null; }
    },
    set(name, text) {
      try {
        if (text === null) localStorage.removeItem(this.key(name));
        else localStorage.setItem(this.key(name), text);
        return true;
      } catch { return false; }
    },
  };

  /* ------------------------------------------------------------------ the editor */

  const replaced = (field, start, end, text, from, to) => {
    field.setSelectionRange(start, end);
    // Typed, so that undo takes it back; the second way is for browsers that do not know the first.
    if (!document.execCommand("insertText", false, text)) field.setRangeText(text, start, end, "end");
    field.setSelectionRange(from, to);
    field.dispatchEvent(new Event("input"));
  };

  const indent = (field, back) => {
    const { value, selectionStart: from, selectionEnd: to } = field;
    const start = value.lastIndexOf("\n", from - 1) + 1;
    if (!back && from === to) {
      const spaces = " ".repeat(4 - ((from - start) % 4));
      replaced(field, from, to, spaces, from + spaces.length, from + spaces.length);
      return;
    }
    const lines = value.slice(start, to).split("\n");
    const moved = lines.map((line) => (back ? line.replace(/^ {1,4}/, "") : line && `    ${line}`));
    const text = moved.join("\n");
    const first = Math.max(start, from + moved[0].length - lines[0].length);
    replaced(field, start, to, text || "", first, to + text.length - (to - start));
  };

  const newLine = (field) => {
    const { value, selectionStart: from, selectionEnd: to } = field;
    const line = value.slice(value.lastIndexOf("\n", from - 1) + 1, from);
    const spaces = line.match(/^ */)[0] + (/:\s*(#.*)?$/.test(line) ? "    " : "");
    replaced(field, from, to, `\n${spaces}`, from + 1 + spaces.length, from + 1 + spaces.length);
  };

  const fit = (field) => {
    field.rows = Math.min(Math.max(field.value.split("\n").length + 1, 6), 40);
  };

  /* Tab indents, until Escape lets the next Tab leave the field. */
  const editor = (source, labelled, described, run) => {
    const field = make("textarea", { className: "live-code", value: source, spellcheck: false, wrap: "off" });
    for (const name of ["autocapitalize", "autocomplete", "autocorrect"]) field.setAttribute(name, "off");
    field.setAttribute("aria-label", labelled);
    field.setAttribute("aria-describedby", described);
    let leaving = false;
    field.addEventListener("keydown", (event) => {
      if (event.key === "Escape") leaving = true;
      else if (event.key === "Tab" && !leaving && !event.ctrlKey && !event.altKey && !event.metaKey) {
        event.preventDefault();
        indent(field, event.shiftKey);
      } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault();
        run();
      } else if (event.key === "Enter" && !event.isComposing && !event.shiftKey) {
        event.preventDefault();
        newLine(field);
      } else if (event.key !== "Shift") leaving = false;
    });
    field.addEventListener("blur", () => { leaving = false; });
    field.addEventListener("input", () => fit(field));
    fit(field);
    return field;
  };

  const goTo = (field, line) => {
    const lines = field.value.split("\n");
    const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    field.focus();
    field.setSelectionRange(start, start + (lines[line - 1] || "").length);
    field.scrollTop = Math.max(0, (line - 4) * parseFloat(getComputedStyle(field).lineHeight));
  };

  /* ------------------------------------------------------------------ what came out */

  const block = (title, text, name) =>
    make("div", { className: name }, make("p", { className: "live-title", textContent: title }), make("pre", { textContent: text.replace(/\n$/, ""), tabIndex: 0 }));

  const problem = (found, field) => {
    const said = make("div", { className: "live-problem" }, make("p", { className: "live-title", textContent: found.what }));
    for (const { number: line, text, where } of found.lines) {
      const button = make(field ? "button" : "span", { className: "live-line", textContent: `line ${line}` });
      if (field) {
        button.type = "button";
        button.addEventListener("click", () => goTo(field, line));
      }
      const inside = where === "<module>" ? ": " : `, in ${where}: `;
      said.append(make("p", {}, button, inside, make("code", { textContent: text.trim() })));
    }
    if (found.advice) said.append(make("p", { textContent: found.advice }));
    return said;
  };

  const shown = (result, field) => {
    const parts = [];
    if (result.printed) parts.push(block("It printed", result.printed, "live-printed"));
    if (result.shown) parts.push(block("The last line gives", result.shown, "live-shown"));
    if (result.problem) parts.push(problem(result.problem, field));
    if (!parts.length) {
      parts.push(make("p", { textContent: "It ran, and showed nothing: print something, or end with a line such as a name or a call." }));
    }
    return parts;
  };

  /* ------------------------------------------------------------------ the bench */

  const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

  /* An editor with buttons. `source` is the code as it was given, `key` the name under which edits
     are kept, `title` what it is called. */
  class Bench {
    constructor(place, { source, key, title }) {
      Object.assign(this, { place, given: source, key, title });
      number += 1;
      const keys = `live-keys-${number}`;
      this.field = editor(store.get(key) ?? source, `Your code for: ${title}`, keys, () => this.run());
      this.field.addEventListener("input", () => this.keep());
      this.runs = this.button("Run", () => this.run());
      this.stops = this.button("Stop", () => this.stop());
      this.stops.disabled = true;
      this.resets = this.button("Reset", () => this.reset());
      this.buttons = make("div", { className: "live-buttons" });
      this.said = make("p", { className: "live-state" });
      this.said.setAttribute("role", "status");
      this.bar = make("progress", { className: "live-bar", hidden: true });
      this.bar.setAttribute("aria-label", "Loading");
      this.output = make("div", { className: "live-output", hidden: true, tabIndex: -1 });
      this.output.setAttribute("role", "region");
      this.output.setAttribute("aria-label", `What came out: ${title}`);
      const help = make("p", { id: keys, className: "live-keys", textContent: "Tab indents; Escape and then Tab leaves the field. Ctrl+Enter runs." });
      place.replaceChildren(this.field, help, this.buttons, this.bar, this.said, this.output);
      place.classList.add("is-open");
      this.listen = (event) => this.hear(event);
      this.field.focus({ preventScroll: true });
    }

    button(text, act, name = "") {
      const made = make("button", { type: "button", className: `quiz-check ${name}`, textContent: text });
      made.addEventListener("click", act);
      return made;
    }

    /* Buttons that wait while something runs. */
    get acting() { return [this.runs]; }

    say(text) {
      if (this.said.textContent !== text) this.said.textContent = text;
    }

    keep() {
      this.undo = null;
      this.resets.textContent = "Reset";
      if (!store.set(this.key, this.field.value === this.given ? null : this.field.value)) this.say(WITHOUT_STORAGE);
    }

    reset() {
      const before = this.undo ? null : this.field.value;
      this.field.value = this.undo ?? this.given;
      fit(this.field);
      this.keep();
      this.undo = before;
      this.resets.textContent = before === null ? "Reset" : "Undo reset";
      this.say(before === null ? "Your code is back." : "The code is as it was given; Undo reset brings yours back.");
    }

    /* Let Python come while the reader writes. */
    async wake() {
      this.say("Python is on its way; you can begin to write.");
      machine.listeners.add(this.listen);
      try {
        await machine.start();
        if (!this.busy) this.say("Python is ready.");
      } catch (error) {
        if (!this.busy) this.say(`Python did not start: ${error.message}.`);
      }
      machine.listeners.delete(this.listen);
      if (!this.busy) this.bar.hidden = true;
    }

    hear(event) {
      if (event.kind === "state") {
        this.stage = event.text;
        this.say(`${event.text} …`);
      } else if (event.kind === "progress") {
        const loading = event.done < event.all;
        this.bar.hidden = !loading;
        this.bar.max = event.all;
        this.bar.value = event.done;
        const tenth = `${Math.floor((10 * event.done) / event.all)} ${event.all}`;
        if (!loading || tenth === this.tenth) return; // a screen reader hears ten steps, not hundreds
        this.tenth = tenth;
        this.say(`${this.stage || "Loading Python"}: ${megabytes(event.done)} of ${megabytes(event.all)} MB`);
      } else if (event.kind === "again") this.live = null;
      else if (event.kind === "printed") this.print(event.text);
      else if (event.kind === "checked") this.say(`Checked: ${event.text}`);
    }

    /* What is printed shows while the code still runs. */
    print(text) {
      if (!this.live) {
        const part = block("It printed", "", "live-printed");
        this.live = part.querySelector("pre");
        this.show([part]);
      }
      this.live.textContent = (this.live.textContent + text).slice(-10000);
    }

    show(parts) {
      this.output.hidden = false;
      this.output.replaceChildren(...parts);
    }

    async ask(question, after) {
      if (this.busy) return;
      this.busy = true;
      this.live = null;
      this.output.hidden = true;
      for (const button of this.acting) button.disabled = true;
      this.stops.disabled = false;
      const started = Date.now();
      this.say("Waiting for Python …");
      const slow = setTimeout(() => this.say("Still running. Is there a loop that never ends? Stop ends it; your code stays."), 60000);
      machine.listeners.add(this.listen);
      try {
        const result = await machine.ask(question);
        after(result, ((Date.now() - started) / 1000).toFixed(1));
      } catch (error) {
        const stopped = error.message === "stopped";
        this.say(stopped ? "Stopped. Your code is as it was; Python starts anew." : `Python gave up: ${error.message}. Press again to start it anew.`);
        if (!stopped) machine.stop();
      }
      clearTimeout(slow);
      machine.listeners.delete(this.listen);
      this.busy = false;
      this.bar.hidden = true;
      const held = document.activeElement === this.stops;
      for (const button of this.acting) button.disabled = false;
      this.stops.disabled = true;
      if (held) this.runs.focus();
    }

    stop() {
      machine.stop();
      machine.start().catch(() => {});
    }
  }

  Object.assign(live, { Bench, block, make, problem, shown });
})();
