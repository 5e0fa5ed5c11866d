/**
 * The worker that sees the pictures: detector, network and tracking state of one page. It is started as a
 * classic script, since the runtime loads its own with `importScripts`, and imports its modules dynamically.
 * @import {Network, Picture, Places, SideMark} from "./types.js"
 * @import {Graph} from "./runtime.js"
 */

/**
 * Firefox treats a module's static imports as workers, which this worker's policy forbids (`worker-src`), unless
 * they are already loaded: so each module is loaded after those it imports.
 */
const load = async () => {
  await import("./enlarge.js");
  await Promise.all([import("./boxes.js"), import("./pixels.js"), import("./yunet.js"), import("./classifier.js")]);
  await Promise.all([import("./assignment.js"), import("./pyramid.js"), import("./crops.js"), import("./doubt.js")]);
  await Promise.all([import("./detector.js"), import("./smoother.js"), import("./tracker.js")]);
  await Promise.all([import("./face_search.js"), import("./graphics_card.js"), import("./turns.js")]);
  return Promise.all([
    import("./detector.js"),
    import("./graphs.js"),
    import("./runtime.js"),
    import("./stream.js"),
    import("./yunet.js"),
    import("./graphics_card.js"),
  ]);
};
const ready = load();
/** Compiled detectors kept: for whole frames, for cut-outs, and for a camera or photo of another shape. */
const MOST_DETECTORS = 4;

const canvas = new OffscreenCanvas(1, 1);
const context = canvas.getContext("2d", { willReadFrequently: true });

/** @type {{bytes: Uint8Array, marks: SideMark[]} | null} */
let yunet = null;
/** @type {Map<string, Graph>} */
const detectors = new Map();
/** The network's graphs, all that may be in use. @type {{delete: () => void}[]} */
let current = [];
/** @type {import("./stream.js").Recognizer | null} */
let recognizer = null;
/** @type {import("./stream.js").Stream | null} */
let stream = null;

/** @type {Record<string, (...values: any[]) => unknown>} */
const methods = {
  takeCore: async (core, utilities) => (await ready)[2].takeCore(core, utilities),
  start: async (script, binary, threads) => (await ready)[2].start(script, binary, threads),

  /** @param {Uint8Array} bytes @param {SideMark[]} marks */
  takeDetector: (bytes, marks) => {
    yunet = { bytes, marks };
  },

  /** @param {Uint8Array} bytes @param {Network} network */
  takeNetwork: async (bytes, network) => {
    const [{ Detector }, { forOne }, { Graph }, { Recognizer }, , { sooner, withFallback }] = await ready;
    const { height, width, channels } = network.input;
    /** @param {"wasm" | "webgpu"} accelerator */
    const compiled = async (accelerator) => {
      const graph = await Graph.compiled(forOne(bytes, network.batch), accelerator);
      /** @param {Uint8Array<ArrayBuffer>} crop */
      const run = async (crop) => (await graph.run(crop, [1, height, width, channels]))[0];
      return { run, delete: () => graph.delete() };
    };
    const plain = await compiled("wasm");
    await plain.run(new Uint8Array(height * width * channels)); // the first run is slow
    const card = await sooner(plain.run, () => compiled("webgpu"), network);
    for (const old of current) old.delete();
    current = card ? [plain, card] : [plain];
    recognizer = new Recognizer(new Detector(runYuNet), withFallback(plain.run, card), network);
    stream = null;
    return card ? "webgpu" : "wasm";
  },

  /** Forget who was seen. */
  forget: () => {
    stream = null;
  },

  /** @param {ImageBitmap} bitmap @param {number} seconds @param {(places: Places) => void} tell */
  frame: async (bitmap, seconds, tell) => {
    if (!recognizer) throw new Error("The network comes first.");
    stream ??= new (await ready)[3].Stream(recognizer);
    return stream.analyze(pictureOf(bitmap), seconds, tell);
  },

  /** Between two frames: a part of what need not keep one waiting. */
  lookAround: () => stream?.search.lookAround(),
};

/** @param {ImageBitmap} bitmap @returns {Picture} */
function pictureOf(bitmap) {
  if (!context) throw new Error("This browser's workers cannot read pictures.");
  const { width, height } = bitmap;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}

/** @param {Picture} picture @returns {Promise<Record<string, Float32Array>>} */
async function runYuNet({ width, height, data }) {
  if (!yunet) throw new Error("The detector comes first.");
  const [, { forSides }, { Graph }, , { OUTPUTS }] = await ready;
  const key = `${width}x${height}`;
  const graph = detectors.get(key) ?? (await Graph.compiled(forSides(yunet.bytes, yunet.marks, width, height)));
  detectors.delete(key);
  detectors.set(key, graph); // the most recently used is dropped last
  for (const [name, old] of detectors) {
    if (detectors.size <= MOST_DETECTORS) break;
    old.delete();
    detectors.delete(name);
  }
  const values = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const outputs = await graph.run(values, [1, height, width, 4]);
  return Object.fromEntries(OUTPUTS.map((name, index) => [name, outputs[index]]));
}

import("./calls.js").then(({ answerCalls }) => {
  answerCalls(/** @type {any} */ (self), methods);
  self.postMessage({ ready: true });
});
