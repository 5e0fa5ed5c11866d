/**
 * The last half minute of a camera: who was seen and with which expressions, in bounded memory.
 * @import {FrameAnswer} from "./types.js"
 */

export const WINDOW_SECONDS = 30, BIN_SECONDS = 0.5;
/** A frame's result holds until the next one, but no longer than this: after that nothing is known. */
const HOLD_SECONDS = 1.5;
/** People remembered; false detections take a number too. */
const MAX_PEOPLE = 20;

/** @typedef {{seconds: number, sums: number[]}} Bin sums: of probabilities times seconds */
/** @typedef {{person: number, seconds: number, bins: Map<number, number[]>}} Recent bins: mean probabilities */

export class RollingHistory {
  /** @type {Map<number, Map<number, Bin>>} */
  #people = new Map();
  /** @type {FrameAnswer | null} */
  #last = null;

  /** @param {string[]} labels */
  constructor(labels) {
    this.labels = labels;
  }

  /** Add the next frame; the last one held until now. @param {FrameAnswer} frame */
  add(frame) {
    if (this.#last) {
      const start = this.#last.time_seconds, end = Math.min(frame.time_seconds, start + HOLD_SECONDS);
      for (const face of this.#last.faces) {
        this.#credit(face.person, this.labels.map((label) => face.probabilities[label]), start, end);
      }
    }
    this.#last = frame;
    this.#forget(frame);
  }

  /** @returns {Recent[]} everyone in the window, by number */
  people() {
    return [...this.#people].sort(([one], [other]) => one - other).map(([person, bins]) => ({
      person,
      seconds: [...bins.values()].reduce((sum, bin) => sum + bin.seconds, 0),
      bins: new Map([...bins].map(([number, { seconds, sums }]) => [number, sums.map((sum) => sum / seconds)])),
    }));
  }

  /** @param {number} person @param {number[]} values @param {number} start @param {number} end */
  #credit(person, values, start, end) {
    const bins = this.#people.get(person) ?? new Map();
    this.#people.set(person, bins);
    for (let number = Math.floor(start / BIN_SECONDS); number <= Math.floor(end / BIN_SECONDS); number++) {
      const seconds = Math.min(end, (number + 1) * BIN_SECONDS) - Math.max(start, number * BIN_SECONDS);
      if (seconds <= 0) continue;
      const bin = bins.get(number) ?? { seconds: 0, sums: values.map(() => 0) };
      bins.set(number, {
        seconds: bin.seconds + seconds,
        sums: bin.sums.map((/** @type {number} */ sum, /** @type {number} */ index) => sum + seconds * values[index]),
      });
    }
  }

  /** @param {FrameAnswer} frame */
  #forget(frame) {
    const oldest = Math.trunc((frame.time_seconds - WINDOW_SECONDS) / BIN_SECONDS);
    for (const [person, bins] of this.#people) {
      for (const number of bins.keys()) if (number < oldest) bins.delete(number);
      if (!bins.size) this.#people.delete(person);
    }
    const present = new Set(frame.faces.map((face) => face.person));
    // Visible people first, then those seen longest.
    const order = [...this.#people].sort(([one, ones], [other, others]) =>
      Number(present.has(other)) - Number(present.has(one)) || others.size - ones.size);
    this.#people = new Map(order.slice(0, MAX_PEOPLE));
  }
}
