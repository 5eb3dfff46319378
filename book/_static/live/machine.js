/* The page's one Python: loads its parts when they are asked for, passes on questions, can be stopped. */
(() => {
  "use strict";

  const live = window.octlessonsLive;
  const parts = new Map(); // name: promise of its text
  const arrived = new Map(); // name: what a script waits for
  let manifest = null;
  let machine = null;

  /* Scripts of the folder `python` call these two. */
  live.manifest = (content) => { manifest = content; };
  live.part = (name, text) => arrived.get(name)(text);

  const loaded = new Map(); // name: bytes so far
  const progress = () => {
    const sum = (values) => [...values].reduce((all, one) => all + one, 0);
    const done = sum(loaded.values());
    const all = sum([...loaded.keys()].map((name) => manifest.parts[name].bytes));
    return { done, all };
  };

  const byScript = (name) =>
    new Promise((resolve, reject) => {
      arrived.set(name, resolve);
      live.script(`python/${name}.js`, manifest.parts[name].mark).catch(reject);
    });

  /* From a host the same script is read as text, which tells how far it has come. */
  const byFetch = async (name, tell) => {
    const { bytes, mark } = manifest.parts[name];
    const response = await fetch(live.address(`python/${name}.js`, mark));
    if (!response.ok) throw new Error(`${response.status}`);
    const reader = response.body.getReader();
    const whole = new Uint8Array(bytes);
    let at = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      whole.set(value, at);
      at += value.length;
      loaded.set(name, at);
      tell();
    }
    const text = new TextDecoder("latin1").decode(whole.subarray(0, at));
    return text.slice(text.indexOf('","') + 3, text.lastIndexOf('"'));
  };

  const part = (name, tell) => {
    if (!parts.has(name)) {
      loaded.set(name, 0);
      const coming = location.protocol === "file:" ? byScript(name) : byFetch(name, tell);
      parts.set(name, coming);
      coming.then(
        () => {
          loaded.set(name, manifest.parts[name].bytes);
          tell();
          if (progress().done === progress().all) loaded.clear(); // what comes later counts from 0
        },
        () => { parts.delete(name); loaded.delete(name); },
      );
    }
    return parts.get(name);
  };

  class Machine {
    constructor() {
      const text = `(${live.inWorker})();`;
      const url = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
      this.worker = new Worker(url);
      this.worker.onmessage = ({ data }) => this.take(data);
      this.worker.onerror = (event) => this.end(`Python stopped (${event.message || "no reason given"}).`);
      this.asked = new Map();
      this.number = 0;
      this.state = "Loading Python";
      this.turn = this.ask({ kind: "start", manifest }, null);
      this.turn.catch((error) => this.end(error.message));
    }

    /* Send a question; the answer is a promise. `listen` hears of what happens meanwhile. */
    ask(question, listen) {
      const id = (this.number += 1);
      return new Promise((resolve, reject) => {
        this.asked.set(id, { resolve, reject, listen });
        this.worker.postMessage({ ...question, id });
      });
    }

    take(data) {
      if (data.kind === "need") {
        const told = () => this.tell({ kind: "progress", ...progress() });
        part(data.name, told).then(
          (text) => this.worker.postMessage({ kind: "part", name: data.name, text }),
          () => this.worker.postMessage({ kind: "part", name: data.name, text: null }),
        );
      } else if (data.kind === "done" || data.kind === "failed") {
        const { resolve, reject } = this.asked.get(data.id);
        this.asked.delete(data.id);
        if (data.kind === "done") resolve(data.result);
        else reject(new Error(data.text));
      } else this.tell(data);
    }

    tell(event) {
      if (event.kind === "state") this.state = event.text;
      for (const { listen } of this.asked.values()) if (listen) listen(event);
      for (const listen of Machine.listeners) listen(event);
    }

    end(why) {
      this.worker.terminate();
      if (machine === this) machine = null;
      for (const { reject } of this.asked.values()) reject(new Error(why));
      this.asked.clear();
    }
  }
  Machine.listeners = new Set();

  /* One question at a time: a second one waits for the first. */
  live.python = {
    listeners: Machine.listeners,
    running: () => machine !== null,
    start() {
      if (!machine) machine = new Machine();
      return machine.turn;
    },
    ask(question, listen) {
      if (!machine) machine = new Machine();
      const here = machine;
      const turn = here.turn.then(() => here.ask(question, listen));
      here.turn = turn.catch((error) => { if (machine !== here) throw error; });
      here.turn.catch(() => {}); // whoever asked is told by `turn`
      return turn;
    },
    stop() {
      if (machine) machine.end("stopped");
    },
  };
})();
