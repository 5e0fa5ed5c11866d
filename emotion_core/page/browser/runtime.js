/**
 * LiteRT in the worker. The page passes its files as bytes, so that this worker, which sees the
 * pictures, needs no network access; its Content-Security-Policy allows none.
 * @import * as LiteRt from "@litertjs/core"
 */

const JAVASCRIPT = "text/javascript";
/** With fewer cores, threads only wait for each other and for everything else that runs. */
const MANY_CORES = 4;
/** @type {typeof LiteRt | null} */
let core = null;

/** @param {Uint8Array | string} content @param {string} type */
function addressOf(content, type) {
  return URL.createObjectURL(new Blob([/** @type {BlobPart} */ (content)], { type }));
}

/**
 * Load the runtime's JavaScript modules.
 * @param {Uint8Array} coreModule
 * @param {Uint8Array} utilities the module that the core imports by its package name
 * @returns {Promise<"threaded" | "plain" | "compat">} which build of the runtime this browser can run
 */
export async function takeCore(coreModule, utilities) {
  const address = addressOf(utilities, JAVASCRIPT);
  const text = new TextDecoder().decode(coreModule).replaceAll("@litertjs/wasm-utils", address);
  core = await import(addressOf(text, JAVASCRIPT));
  if (!core) throw new Error("The runtime has no module.");
  if (!(await core.supportsFeature("relaxedSimd"))) return "compat";
  const threads = self.crossOriginIsolated && navigator.hardwareConcurrency >= MANY_CORES;
  return threads && (await core.supportsFeature("threads")) ? "threaded" : "plain";
}

/**
 * Start the build that `takeCore` named.
 * @param {Uint8Array} script
 * @param {Uint8Array<ArrayBuffer>} binary
 * @param {boolean} threads
 */
export async function start(script, binary, threads) {
  if (!core) throw new Error("The runtime's modules come first.");
  const address = addressOf(script, JAVASCRIPT);
  // How the runtime accepts files that it would otherwise fetch. What it says on the way would stand in the console
  // as errors.
  const printErr = (/** @type {string} */ line) => { if (!/^(INFO|WARNING):/.test(line)) console.error(line); };
  Object.assign(self, { Module: { wasmBinary: binary.buffer, mainScriptUrlOrBlob: address, printErr } });
  await core.loadLiteRt(`${address}#.js`, threads ? { threads } : undefined);
}

/** A compiled graph with one input. */
export class Graph {
  /** @param {LiteRt.CompiledModel} model */
  constructor(model) {
    this.model = model;
  }

  /**
   * @param {Uint8Array} bytes
   * @param {"wasm" | "webgpu"} [accelerator] fails if it cannot run the whole graph
   * @returns {Promise<Graph>}
   */
  static async compiled(bytes, accelerator = "wasm") {
    if (!core) throw new Error("The runtime's modules come first.");
    const graph = new Graph(await core.loadAndCompile(bytes, { accelerator }));
    if (accelerator === "wasm" || graph.model.isFullyAccelerated) return graph;
    graph.delete();
    throw new Error("The graphics card cannot run all of the network.");
  }

  /**
   * @param {Uint8Array<ArrayBuffer>} values
   * @param {number[]} shape
   * @returns {Promise<Float32Array[]>} the outputs in the graph's order
   */
  async run(values, shape) {
    if (!core) throw new Error("The runtime's modules come first.");
    const input = new core.Tensor(values, shape);
    try {
      const results = await this.model.run(input);
      const read = [];
      for (const result of Array.isArray(results) ? results : Object.values(results)) {
        read.push(Float32Array.from(/** @type {Float32Array} */ (await result.data())));
        result.delete();
      }
      return read;
    } finally {
      input.delete();
    }
  }

  delete() {
    this.model.delete();
  }
}
