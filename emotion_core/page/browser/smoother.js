/** Exponential smoothing of every person's probabilities over time. */
import { exact } from "./classifier.js";

/** The time constant, and how long out of sight resets a person's state. */
const SECONDS = 0.4, RESTART_SECONDS = 1;

export class ProbabilitySmoother {
  /** @type {Map<number, {seconds: number, values: number[]}>} */
  #state = new Map();

  /**
   * Takes person -> probabilities of this frame, returns person -> smoothed ones.
   * @param {number} seconds
   * @param {Map<number, number[]>} raw
   * @returns {Map<number, number[]>}
   */
  update(seconds, raw) {
    for (const [person, state] of this.#state) {
      if (state.seconds < seconds - RESTART_SECONDS) this.#state.delete(person);
    }
    const smoothed = new Map();
    for (const [person, now] of raw) {
      const before = this.#state.get(person);
      const share = before ? -Math.expm1(-Math.max(seconds - before.seconds, 0) / SECONDS) : 1;
      const old = before?.values ?? now;
      const values = now.map((value, index) => old[index] + share * (value - old[index]));
      this.#state.set(person, { seconds, values });
      smoothed.set(person, values.map(exact));
    }
    return smoothed;
  }
}
