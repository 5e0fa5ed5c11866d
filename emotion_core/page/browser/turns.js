/**
 * Whom the network sees in a frame, and what it last said of the others. A fast network sees everyone. A slow one
 * would hold up the boxes, which are found in a fraction of its time: it sees newcomers at once, as many as a frame
 * has time for, and, of those it knows, one in a frame, whoever has waited longest, and nobody in two frames running.
 * @import {FaceAnswer} from "./types.js"
 */
import { GAP_SECONDS } from "./tracker.js";

/** A network is slow from here on, in milliseconds a face; and the share of the newest in the mean of its times. */
const SLOW_MS = 15, NEWEST_SHARE = 0.2;
/**
 * How long newcomers may take in a frame, in milliseconds; one is seen in any case. If all of a group were seen in one
 * frame, the next might come after the tracker has forgotten them, and they would be newcomers for ever.
 */
const NEWCOMERS_MS = 300;

/** @typedef {{answer: FaceAnswer, frame: number, present: number}} Seen frame: when the network saw this person */

export class Turns {
  /** @type {Map<number, Seen>} */
  #seen = new Map();
  #frame = 0;
  /** Milliseconds a face; 0 before the first. */
  #mean = 0;

  /**
   * Begin a frame.
   * @param {number} seconds never decreasing
   * @param {number[]} persons everyone in it
   * @returns {Set<number>} whom the network should see
   */
  next(seconds, persons) {
    this.#frame += 1;
    for (const [person, { present }] of this.#seen) {
      if (seconds - present > GAP_SECONDS) this.#seen.delete(person);
    }
    const known = persons.flatMap((person) => {
      const seen = this.#seen.get(person);
      if (seen) seen.present = seconds;
      return seen ? [{ person, frame: seen.frame }] : [];
    });
    if (this.#mean < SLOW_MS) return new Set(persons);
    const [first] = known.sort((one, other) => one.frame - other.frame);
    const due = first && this.#frame - first.frame > 1 ? first.person : null;
    // In order of appearance.
    const newcomers = persons.filter((person) => !this.#seen.has(person)).sort((one, other) => one - other);
    const most = Math.max(Math.floor(NEWCOMERS_MS / this.#mean), 1);
    return new Set([...(due === null ? [] : [due]), ...newcomers.slice(0, most)]);
  }

  /** How long the network took for one face of this frame. @param {number} milliseconds */
  took(milliseconds) {
    this.#mean ||= milliseconds;
    this.#mean += NEWEST_SHARE * (milliseconds - this.#mean);
  }

  /** Keep what the network said in this frame. @param {number} seconds @param {FaceAnswer} answer */
  keep(seconds, answer) {
    this.#seen.set(answer.person, { answer, frame: this.#frame, present: seconds });
  }

  /** What it last said of a person, held if that was in an earlier frame. @param {number} person */
  last(person) {
    const seen = this.#seen.get(person);
    return seen && seen.frame < this.#frame ? { ...seen.answer, held: true } : seen?.answer;
  }
}
