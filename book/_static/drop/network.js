/* The two networks, on ONNX Runtime, from scripts that lie beside this one: no server is asked. */
(() => {
  "use strict";
  const parts = {};
  const here = document.currentScript.src.replace(/[^/]*$/, "");

  const script = (name) =>
    new Promise((done, fail) => {
      const tag = document.createElement("script");
      tag.src = here + name;
      tag.onload = done;
      tag.onerror = () => fail(new Error(`${name} could not be loaded`));
      document.head.append(tag);
    });
  const unpacked = async (name) => {
    const bytes = Uint8Array.from(atob(parts[name]), (letter) => letter.charCodeAt(0));
    delete parts[name];
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };

  let ready;
  const load = (tell) => {
    ready ||= (async () => {
      tell("Loading the machine that runs networks: 5 MB, once.");
      await Promise.all(["ort.js", "module.js", "machine.js"].map(script));
      tell("Loading two networks: 4 MB, once.");
      await Promise.all(["layers.js", "labels.js"].map(script));
      ort.env.wasm.numThreads = 1;
      ort.env.wasm.wasmBinary = (await unpacked("ort-wasm-simd-threaded.wasm")).buffer;
      const module = new Blob([await unpacked("ort-wasm-simd-threaded.mjs")], { type: "text/javascript" });
      ort.env.wasm.wasmPaths = { mjs: URL.createObjectURL(module) };
      const options = { executionProviders: ["wasm"] };
      return {
        layers: await ort.InferenceSession.create(await unpacked("layers.onnx"), options),
        encoder: await ort.InferenceSession.create(await unpacked("labels.onnx"), options),
      };
    })().catch((error) => {
      ready = undefined;
      throw error;
    });
    return ready;
  };

  /* One scan: a row of numbers, three lines, and what tissue is where. */
  const see = async (networks, scan) => {
    const side = CourseDrop.SIDE;
    const small = CourseDrop.resize(scan.grey, scan.h, scan.w);
    /* As float32 in Python: the value times float32(1 / 255). */
    const input = Float32Array.from(small, (value) => value * Math.fround(1 / 255));
    const found = await networks.layers.run({ scan: new ort.Tensor("float32", input, [1, 1, side, side]) });
    const given = Object.fromEntries(networks.encoder.inputNames.map((name) => [name, found[name]]));
    const { features } = await networks.encoder.run(given);
    const lines = Array.from({ length: 3 }, (_, i) => found.lines.data.slice(i * side, (i + 1) * side));
    const [, kinds, tall, wide] = found.tissue.dims;
    const cells = tall * wide;
    const tissue = Uint8Array.from({ length: cells }, (_, cell) => {
      let best = 0;
      for (let kind = 1; kind < kinds; kind += 1) {
        if (found.tissue.data[kind * cells + cell] > found.tissue.data[best * cells + cell]) best = kind;
      }
      return best;
    });
    const sure = found.confidence.data.reduce((a, b) => a + b, 0) / found.confidence.data.length;
    return { row: Float32Array.from(features.data), small, lines, tissue, tall, wide, sure };
  };

  window.CourseDrop = { load, part: (name, text) => { parts[name] = text; }, see };
})();
