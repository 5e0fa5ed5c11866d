/**
 * Where the Webcam tab's answers come from: this device, or the server. Both are asked alike, one frame at
 * a time: `open` once, then `answer` for each frame, and `close`.
 * @import {FrameAnswer, Label, Manifest} from "./types.js"
 */
import { Device, obstacle } from "./device.js";

/** Most frames a second: a camera's own rate is hardly ever higher, and the visitor's battery is finite. */
const MOST_FPS = 30;
/** Over how many seconds the rate is measured, over how many frames the latency, and how often is spoken. */
const RATE_SECONDS = 2, LATENCY_FRAMES = 9, SUMMARY_SECONDS = 3;
/** A device that needs longer than this for a frame (milliseconds, median of so many) is slower than a server. */
const SLOW_MS = 300, SLOW_FRAMES = 12;

/**
 * @typedef {{model: string | null, detector: string | null}} Choice null: as the server likes
 *
 * @typedef {object} Opened
 * @property {Label[]} [labels]
 * @property {string} [wait] no place yet, and why
 * @property {string} [stop] never, and why
 *
 * @typedef {object} Answer
 * @property {FrameAnswer} frame
 * @property {number | null} fps
 * @property {number} milliseconds of work on a frame, median of the last few
 * @property {number} next_seconds to leave between the starts of this frame and the next
 * @property {string} summary
 * @property {boolean} [slow] whether a server would be faster
 */

/** The middle one of numbers. @param {number[]} values */
function median(values) {
  return [...values].sort((one, other) => one - other)[values.length >> 1];
}

/** One line to be read aloud. @param {FrameAnswer} frame */
export function summaryOf(frame) {
  const parts = [...frame.faces]
    .sort((one, other) => one.person - other.person)
    .map((face) => `person ${face.person} ${face.emotion}`);
  if (!parts.length) return "No face found.";
  return `${parts.length === 1 ? "1 face" : `${parts.length} faces`}: ${parts.join(", ")}.`;
}

/** Answers from this device. */
export class DeviceSource {
  kind = "device";
  /** @type {Device | null} */
  #device = null;
  #began = 0;
  /** @type {number[]} */
  #answered = [];
  /** @type {number[]} */
  #work = [];
  #summary = { text: "", at: -Infinity };

  /**
   * @param {Manifest} manifest
   * @param {string} page its address
   */
  constructor(manifest, page) {
    this.manifest = manifest;
    this.page = page;
  }

  /** What speaks against it, in words; "" for nothing. @param {Choice} choice */
  obstacle(choice) {
    if (!this.manifest.device) return "This server does not hand out what a browser needs.";
    if (choice.detector && choice.detector !== "YuNet") return `${choice.detector} runs on the server alone.`;
    return obstacle();
  }

  /** What the visitor is told of it. */
  words() {
    const host = this.manifest.device?.host;
    const program = host ? ` The program that does it came from ${host}.` : "";
    return `On this device, by ${this.#device?.network?.name}: no picture leaves it.${program}`;
  }

  /** @param {Choice} choice @returns {Promise<Opened>} */
  async open(choice) {
    if (!this.manifest.device) throw new Error(this.obstacle(choice));
    this.#device ??= await Device.start(this.manifest.device, this.page);
    const network = await this.#device.use(choice.model);
    [this.#began, this.#answered, this.#work] = [performance.now(), [], []];
    return { labels: network.labels };
  }

  /** @param {HTMLVideoElement} video @returns {Promise<Answer>} */
  async answer(video) {
    if (!this.#device) throw new Error("Nothing was loaded.");
    const start = performance.now();
    const frame = await this.#device.frame(video, (start - this.#began) / 1000);
    const end = performance.now();
    this.#answered = [...this.#answered.filter((moment) => end - moment <= 1000 * RATE_SECONDS), end];
    this.#work = [...this.#work.slice(1 - SLOW_FRAMES), end - start];
    if (end - this.#summary.at >= 1000 * SUMMARY_SECONDS) this.#summary = { text: summaryOf(frame), at: end };
    const [first] = this.#answered, more = this.#answered.length - 1;
    return {
      frame,
      fps: more && end > first ? (1000 * more) / (end - first) : null,
      milliseconds: median(this.#work.slice(-LATENCY_FRAMES)),
      next_seconds: 1 / MOST_FPS,
      summary: this.#summary.text,
      slow: this.#work.length === SLOW_FRAMES && median(this.#work) > SLOW_MS,
    };
  }

  close() {}
}
