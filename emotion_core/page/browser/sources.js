/**
 * Sources of the Webcam tab's answers: this device or the server. Both are used the same way, one frame at
 * a time: `open` once, then `answer` for each frame, and `close`.
 * @import {FrameAnswer, Label, Manifest, Places} from "./types.js"
 */
import { Device, obstacle } from "./device.js";
import { RollingHistory } from "./recent.js";
import { timeline } from "./timeline.js";

/** The only detector that this device does not run. */
const OTHER_DETECTOR = "Haar cascade";
/** Longest wait for a new camera frame, in milliseconds; then the current one is used. */
const STALLED_MS = 500;
/**
 * Windows for the rate (ms) and the latency (frames: an even number, as the upper median is then that of the frames
 * that a slow network saw); intervals of the summary and the timeline.
 */
const RATE_MS = 2000, LATENCY_FRAMES = 10, SUMMARY_MS = 3000, TIMELINE_MS = 1000;
/** A device that takes longer than this per frame (ms, median of this many frames) is slower than a server. */
const SLOW_MS = 300, SLOW_FRAMES = 30;

/**
 * @typedef {{model: string | null, detector: string | null}} Choice null: the server's default
 *
 * @typedef {object} Opened with none of these, call `sourceOf` again
 * @property {Label[]} [labels]
 * @property {string} [wait] why there is no place yet
 * @property {string} [stop] why there never will be
 *
 * @typedef {object} Answer
 * @property {boolean} [gone] `open` again, with a new source from `sourceOf`
 * @property {boolean} [busy] nothing this time
 * @property {FrameAnswer} [frame]
 * @property {number | null} [fps]
 * @property {number} [milliseconds] of work on a frame, median of the last few
 * @property {number} [captured] when the frame was captured, by `performance.now()`
 * @property {number} [next_seconds] to leave between the start of this frame and the next
 * @property {string} [summary]
 * @property {string | null} [timeline] HTML, or null to keep the last one
 *
 * @callback Found a frame's boxes, ahead of its answer
 * @param {Places} places
 * @param {number} captured when the frame was captured, by `performance.now()`
 *
 * @typedef {object} Source
 * @property {"device" | "server"} kind
 * @property {() => string} words description for the visitor
 * @property {(choice: Choice) => Promise<Opened | null>} open
 * @property {(video: HTMLVideoElement, found?: Found) => Promise<Answer | null>} answer the server never calls `found`
 * @property {() => void} close
 */

/** The upper median. @param {number[]} values */
function median(values) {
  return [...values].sort((one, other) => one - other)[values.length >> 1];
}

/** Resolves when the video shows a new frame. @param {HTMLVideoElement} video */
function frameAfter(video) {
  return new Promise((done) => {
    setTimeout(done, STALLED_MS);
    video.requestVideoFrameCallback?.(done) ?? setTimeout(done, 1000 / 30);
  });
}

/** One line to be read aloud. @param {FrameAnswer} frame */
export function summaryOf(frame) {
  const parts = [...frame.faces]
    .sort((one, other) => one.person - other.person)
    .map((face) => `person ${face.person} ${face.emotion}`);
  if (!parts.length) return "No face found.";
  return `${parts.length === 1 ? "1 face" : `${parts.length} faces`}: ${parts.join(", ")}.`;
}

/** Chooses this device if it can answer and is fast enough, unless the visitor wants otherwise. */
export class Sources {
  /** What the visitor asked for. @type {"device" | "server" | null} */
  wanted = null;
  /** Why this device failed when it was tried; "" if it did not. */
  trouble = "";
  /** @type {DeviceSource | null} */
  #device = null;

  /**
   * @param {Manifest} manifest
   * @param {string} page its URL
   * @param {Source} server
   */
  constructor(manifest, page, server) {
    this.server = server;
    if (manifest.device) this.#device = new DeviceSource(this, manifest.device, page);
  }

  /** Whether there is a choice at all. */
  get offered() {
    return this.#device !== null;
  }

  /** The source for a choice of model and detector. @param {Choice} choice @returns {Source} */
  sourceOf(choice) {
    if (!this.#device) return this.server;
    if (this.wanted === "server") return this.server;
    const reason = this.#device.obstacle(choice) || this.trouble;
    if (!reason) return this.#device;
    const { server } = this;
    return {
      kind: "server",
      words: () => `${server.words()} ${reason}`,
      open: (wanted) => server.open(wanted),
      answer: (video) => server.answer(video),
      close: () => server.close(),
    };
  }

  /** Set the visitor's choice, or null. @param {"device" | "server" | null} wanted */
  want(wanted) {
    this.wanted = wanted;
    this.trouble = "";
  }
}

/** Answers from this device. @implements {Source} */
export class DeviceSource {
  /** @type {"device"} */
  kind = "device";
  /** @type {Promise<Device> | null} */
  #loading = null;
  /** @type {Device | null} */
  #device = null;
  #began = 0;
  /** @type {number[]} */
  #answered = [];
  /** @type {number[]} */
  #work = [];
  /** The camera's next frame, so that none is analysed twice. @type {Promise<unknown>} */
  #newFrame = Promise.resolve();
  #summary = { text: "", at: -Infinity };
  #drawnAt = 0;
  #opened = 0;
  #history = new RollingHistory([]);

  /**
   * @param {Sources} sources notified of failures
   * @param {import("./types.js").DeviceFiles} files
   * @param {string} page
   */
  constructor(sources, files, page) {
    this.sources = sources;
    this.files = files;
    this.page = page;
  }

  /** Why it cannot be used, as a message; "" if it can. @param {Choice} choice */
  obstacle(choice) {
    if (choice.detector === OTHER_DETECTOR) return `${choice.detector} runs there alone.`;
    return obstacle();
  }

  words() {
    const by = this.#device?.network ? `, by “${this.#device.network.title}”` : "";
    const host = this.files.host ? ` The program that does it comes from ${this.files.host}.` : "";
    return `On this device${by}: no picture leaves it.${host}`;
  }

  /** @param {Choice} choice @returns {Promise<Opened>} */
  async open(choice) {
    const number = ++this.#opened;
    try {
      this.#loading ??= Device.start(this.files, this.page);
      this.#device = await this.#loading;
      const { labels } = await this.#device.use(choice.model);
      if (number !== this.#opened) return {}; // another stream has begun, whose times and people are others
      [this.#began, this.#answered, this.#work] = [performance.now(), [], []];
      this.#summary = { text: "", at: -Infinity };
      this.#history = new RollingHistory(labels.map(({ name }) => name));
      return { labels };
    } catch (error) {
      return number === this.#opened ? this.#fail(error) : {};
    }
  }

  /** @param {HTMLVideoElement} video @param {Found} [found] @returns {Promise<Answer>} */
  async answer(video, found) {
    const camera = video.srcObject;
    if (!this.#device) return { gone: true };
    await this.#device.ready; // the newest frame is taken then, not one that waited
    await this.#newFrame;
    if (!this.#device) return { gone: true };
    if (video.srcObject !== camera) return { busy: true }; // stopped meanwhile: there is no picture to take
    const start = performance.now();
    this.#newFrame = frameAfter(video);
    let frame;
    try {
      frame = await this.#device.frame(video, (start - this.#began) / 1000, (places) => found?.(places, start));
    } catch (error) {
      if (video.srcObject !== camera) return { busy: true }; // no fault of the device
      return { gone: true, ...this.#fail(error) };
    }
    const end = performance.now();
    this.#answered = [...this.#answered.filter((moment) => end - moment <= RATE_MS), end];
    this.#work = [...this.#work.slice(1 - SLOW_FRAMES), end - start];
    if (this.sources.wanted !== "device" && this.#work.length === SLOW_FRAMES && median(this.#work) > SLOW_MS) {
      this.sources.trouble = "This device would be slow.";
      return { gone: true };
    }
    this.#history.add(frame);
    if (end - this.#summary.at >= SUMMARY_MS) this.#summary = { text: summaryOf(frame), at: end };
    const [first] = this.#answered, more = this.#answered.length - 1;
    return {
      frame,
      fps: more && end > first ? (1000 * more) / (end - first) : null,
      milliseconds: median(this.#work.slice(-LATENCY_FRAMES)),
      captured: start,
      next_seconds: 0,
      summary: this.#summary.text,
      timeline: this.#drawn(frame, end),
    };
  }

  close() {}

  /** @param {FrameAnswer} frame @param {number} now */
  #drawn(frame, now) {
    if (now - this.#drawnAt < TIMELINE_MS || !this.#device?.network) return null;
    this.#drawnAt = now;
    const shown = timeline(this.#history.people(), this.#device.network.labels, frame.time_seconds);
    return shown.map((one) => one.outerHTML).join("");
  }

  /** @param {unknown} error @returns {Opened} */
  #fail(error) {
    this.#device?.stop();
    [this.#device, this.#loading] = [null, null];
    const reason = error instanceof Error ? error.message : String(error);
    this.sources.trouble = `This device cannot answer by itself: ${reason}`;
    return {};
  }
}
