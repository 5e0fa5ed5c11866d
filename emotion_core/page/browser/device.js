/**
 * Inference on this device: the page's side of the worker.
 * @import {DeviceFiles, FrameAnswer, Network, Places} from "./types.js"
 */
import { caller } from "./calls.js";
import { bytesOf, dropOthers } from "./files.js";

/** Longest side of the analysed copy of a camera's frame. */
const LONGEST = 640;

/** @returns {string} why this browser cannot run inference, as a message; "" if it can */
export function obstacle() {
  if (typeof WebAssembly !== "object") return "This browser has WebAssembly switched off.";
  if (typeof OffscreenCanvas !== "function" || typeof createImageBitmap !== "function") {
    return "This browser is too old to answer by itself.";
  }
  return "";
}

export class Device {
  /** @type {Network | null} */
  network = null;
  /** What runs the network. @type {"wasm" | "webgpu"} */
  accelerator = "wasm";
  /** Resolves when the worker can take a frame at once. @type {Promise<unknown>} */
  ready = Promise.resolve();
  /** The newest choice, and when the worker is done with the last one. @type {Network | null} */
  #wanted = null;
  #taken = Promise.resolve();

  /**
   * @param {DeviceFiles} files
   * @param {string} page its URL
   * @param {Worker} worker
   */
  constructor(files, page, worker) {
    this.files = files;
    this.page = page;
    this.worker = worker;
    this.call = caller(worker);
  }

  /**
   * Load runtime and detector; error messages are meant for the visitor.
   * @param {DeviceFiles} files
   * @param {string} page
   * @returns {Promise<Device>}
   */
  static async start(files, page) {
    const worker = new Worker(new URL(files.worker, page));
    try {
      await new Promise((resolve, reject) => {
        worker.addEventListener("message", resolve, { once: true });
        worker.addEventListener("error", () => reject(new Error("The worker could not be loaded.")), { once: true });
      });
      const device = new Device(files, page, worker);
      await device.#load();
      return device;
    } catch (error) {
      worker.terminate();
      throw error;
    }
  }

  async #load() {
    const { runtime, detector } = this.files;
    /** @param {string} name */
    const fetched = (name) => bytesOf(runtime[name], this.page);
    const yunet = bytesOf(detector.file, this.page).then((bytes) => this.call("takeDetector", [bytes, detector.sides]));
    const kind = await this.call("takeCore", await Promise.all([fetched("core.js"), fetched("utilities.js")]));
    const [script, binary] = await Promise.all([fetched(`${kind}.js`), fetched(`${kind}.wasm`)]);
    await this.call("start", [script, binary, kind === "threaded"], [binary.buffer]);
    await yunet;
    void dropOthers(this.files, this.page);
  }

  /**
   * Switch to the named network, by default the initial one, unless another is chosen before it has come.
   * @param {string | null} [name]
   * @returns {Promise<Network>}
   */
  async use(name = null) {
    const { networks, first } = this.files;
    const network = networks.find((one) => one.name === (name ?? first)) ?? networks[0];
    this.#wanted = network;
    const bytes = this.network === network ? null : await bytesOf(network.file, this.page);
    const taken = this.#taken.then(() => this.#take(network, bytes));
    this.#taken = taken.catch(() => {}); // one after the other
    await taken;
    return network;
  }

  /** @param {Network} network @param {Uint8Array<ArrayBuffer> | null} bytes of its file, if they are known */
  async #take(network, bytes) {
    if (this.#wanted !== network) return;
    if (this.network === network) return this.call("forget");
    const file = bytes ?? (await bytesOf(network.file, this.page));
    this.accelerator = await this.call("takeNetwork", [file, network], [file.buffer]);
    this.network = network;
  }

  /**
   * Everyone in the camera's current picture. One call at a time.
   * @param {HTMLVideoElement | ImageBitmap} source
   * @param {number} seconds since the stream began
   * @param {(places: Places) => void} [found] called before the answer comes, if there is anyone
   * @returns {Promise<FrameAnswer>}
   */
  async frame(source, seconds, found) {
    await this.ready;
    const bitmap = await bitmapOf(source);
    const answer = await this.call("frame", [bitmap, seconds], [bitmap], found);
    this.ready = this.call("lookAround").catch(() => {}); // trouble shows again with the next frame
    return answer;
  }

  stop() {
    this.worker.terminate();
  }
}

/** @param {HTMLVideoElement | ImageBitmap} source */
function bitmapOf(source) {
  const [width, height] =
    source instanceof ImageBitmap ? [source.width, source.height] : [source.videoWidth, source.videoHeight];
  const scale = LONGEST / Math.max(width, height);
  if (scale >= 1) return createImageBitmap(source);
  return createImageBitmap(source, {
    resizeWidth: Math.round(width * scale),
    resizeHeight: Math.round(height * scale),
    resizeQuality: "high",
  });
}
