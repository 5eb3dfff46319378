/* Python in a worker. The page makes the worker from the text of this function, so that it also
   starts where a page was opened by double-click; all it needs, it asks the page for. */
octlessonsLive.inWorker = function () {
  "use strict";

  const waiting = new Map();
  let manifest, python, inpage, cells;

  const say = (message) => self.postMessage(message);

  /* The bytes of a part: the page sends what it has loaded, as text of base64. */
  const part = async (name) => {
    const text = await new Promise((resolve, reject) => {
      waiting.set(name, { resolve, reject });
      say({ kind: "need", name });
    });
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
    if (!manifest.parts[name].gzip) return bytes;
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  const script = async (name) => {
    const url = URL.createObjectURL(new Blob([await part(name)], { type: "text/javascript" }));
    importScripts(url);
    URL.revokeObjectURL(url);
  };

  /* Pyodide asks for its files by addresses; all of them are answered from here. */
  const answer = async (request) => {
    const file = String(request.url || request).split("/").pop();
    const json = { headers: { "content-type": "application/json" } };
    if (file === "pyodide-lock.json") return new Response(JSON.stringify(manifest.lock), json);
    if (file === "pyodide.asm.wasm") {
      return new Response(await part("wasm"), { headers: { "content-type": "application/wasm" } });
    }
    if (file === "python_stdlib.zip") return new Response(await part("stdlib"));
    for (const [name, entry] of Object.entries(manifest.lock.packages)) {
      if (entry.file_name === file) return new Response(await part(name));
    }
    return new Response(null, { status: 404 });
  };

  const start = async (given) => {
    manifest = given;
    self.fetch = answer;
    say({ kind: "state", text: "Loading Python" });
    await script("pyodide");
    await script("asm");
    python = await self.loadPyodide({
      indexURL: "https://page.invalid/",
      checkIntegrity: false, // the bytes were checked when the site was built
      stdout: () => {},
      stderr: () => {},
    });
    say({ kind: "state", text: "Loading NumPy and the course" });
    const [course] = await Promise.all([part("course"), load(["numpy"])]);
    say({ kind: "state", text: "Starting Python" });
    python.unpackArchive(course, "zip", { extractDir: "/course" });
    python.runPython("import sys; sys.path.insert(0, '/course')");
    inpage = python.pyimport("octlessons.exercises.inpage");
    inpage.start();
    cells = python.pyimport("octlessons.exercises.pagecells").Cells();
  };

  const load = (packages) =>
    python.loadPackage(packages, { messageCallback: () => {}, errorCallback: () => {} });

  /* Packages that belong to these modules and are not loaded yet. */
  const lacking = (modules) =>
    Object.entries(manifest.lock.packages)
      .filter(([name, entry]) => entry.imports.some((module) => modules.includes(module)) && !python.loadedPackages[name])
      .map(([name]) => name);

  const provide = async (modules) => {
    const packages = lacking(modules);
    if (!packages.length) return false;
    const large = ["matplotlib", "scikit-learn", "scipy"].filter((name) => packages.includes(name));
    say({ kind: "state", text: `Loading ${(large.length ? large : packages).join(" and ")}` });
    await load(packages);
    return true;
  };

  /* Do it; what turns out to be missing is loaded, and it is done again. */
  const patiently = async (modules, state, act) => {
    await provide(modules);
    for (let tries = 0; ; tries += 1) {
      say({ kind: "state", text: state });
      const result = JSON.parse(act());
      if (tries === 4 || !(await provide(result.wanted))) return result;
      say({ kind: "again" });
    }
  };

  const tell = (kind) => {
    let kept = "";
    let last = 0;
    return (text) => {
      kept = (kept + text).slice(-4000);
      const now = Date.now();
      if (now - last < 100 && kind === "printed") return;
      say({ kind, text: kept });
      kept = "";
      last = now;
    };
  };

  const acts = {
    start: ({ manifest: given }) => start(given),
    run: ({ source, file }) =>
      patiently(JSON.parse(inpage.needed("", source)), "Running", () =>
        inpage.run(source, file, undefined, tell("printed"))),
    cell: ({ sources, index }) =>
      patiently(JSON.parse(cells.packages(sources, index)), "Running", () =>
        cells.run(sources, index, tell("printed"), (text) => say({ kind: "state", text }))),
    check: ({ exercise, source }) =>
      patiently(JSON.parse(inpage.needed(exercise, source)), "Checking", () =>
        inpage.check(exercise, source, tell("checked"))),
  };

  self.onmessage = async ({ data }) => {
    if (data.kind === "part") {
      const { resolve, reject } = waiting.get(data.name);
      waiting.delete(data.name);
      if (data.text === null) reject(new Error(`${data.name} could not be loaded`));
      else resolve(data.text);
      return;
    }
    try {
      say({ kind: "done", id: data.id, result: await acts[data.kind](data) });
    } catch (error) {
      say({ kind: "failed", id: data.id, text: String(error.message || error).slice(-600) });
    }
  };
};
