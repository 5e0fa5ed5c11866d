/**
 * Pictures in, answers out: the same steps as the server's core, with the same result format. A network that is slow
 * here does not see every face in every frame.
 * @import {Face, FaceAnswer, FrameAnswer, Network, Picture, Places, Prediction} from "./types.js"
 * @import {Detector} from "./detector.js"
 */
import { calibrated, isUncertain } from "./classifier.js";
import { FaceSearch } from "./face_search.js";
import { crop } from "./crops.js";
import { doubts } from "./doubt.js";
import { ProbabilitySmoother } from "./smoother.js";
import { FaceTracker } from "./tracker.js";
import { Turns } from "./turns.js";

/**
 * Runs the network's graph on one crop and returns its logits.
 * @callback RunNetwork
 * @param {Uint8Array<ArrayBuffer>} crop
 * @returns {Promise<Float32Array>}
 */

/** Detector and network: classifies the faces of one picture. */
export class Recognizer {
  /**
   * @param {Detector} detector
   * @param {RunNetwork} run
   * @param {Network} network
   */
  constructor(detector, run, network) {
    this.detector = detector;
    this.run = run;
    this.network = network;
  }

  /** @param {Picture} picture @param {Face[]} faces @returns {Promise<Prediction[]>} */
  async predict(picture, faces) {
    const named = [], { input, uncertain } = this.network;
    for (const face of faces) {
      const view = crop(picture, face.crop, input, face.angle);
      const probabilities = calibrated(await this.run(view), this.network);
      named.push({ face, probabilities, doubts: doubts(view, input, face, uncertain.minSide) });
    }
    return named;
  }

  /**
   * @param {Prediction} prediction
   * @param {number[]} shown smoothed probabilities
   * @returns {Omit<FaceAnswer, "person">}
   */
  answer(prediction, shown) {
    const confidence = Math.max(...shown);
    return {
      box: prediction.face.box,
      detection_score: prediction.face.score,
      emotion: this.network.labels[shown.indexOf(confidence)].name,
      confidence,
      uncertain: isUncertain(shown, this.network.uncertain) || prediction.doubts.length > 0,
      doubts: prediction.doubts,
      probabilities: this.#named(shown),
      raw_probabilities: this.#named(prediction.probabilities),
    };
  }

  /** @param {number[]} values */
  #named(values) {
    return Object.fromEntries(this.network.labels.map(({ name }, index) => [name, values[index]]));
  }
}

/** One camera's frames in order of time, with each person tracked. */
export class Stream {
  #tracker = new FaceTracker();
  #smoother = new ProbabilitySmoother();
  #turns = new Turns();

  /** @param {Recognizer} recognizer */
  constructor(recognizer) {
    this.recognizer = recognizer;
    this.search = new FaceSearch(recognizer.detector);
  }

  /**
   * @param {Picture} picture
   * @param {number} seconds
   * @param {(places: Places) => void} [tell] called once the faces are found and numbered, if there are any: the
   *   network may take several times as long as the detector, and a box need not wait for it
   * @returns {Promise<FrameAnswer>}
   */
  async analyze(picture, seconds, tell) {
    const { width, height } = picture;
    const found = await this.search.find(picture, seconds);
    const persons = this.#tracker.update(seconds, found.map(({ box }) => box), picture);
    const places = found.map(({ box }, index) => ({ person: persons[index], box }));
    if (places.length) tell?.({ width, height, faces: places });
    const due = this.#turns.next(seconds, persons), started = performance.now();
    const looked = persons.flatMap((person, index) => (due.has(person) ? [{ person, face: found[index] }] : []));
    const named = looked.length ? await this.recognizer.predict(picture, looked.map(({ face }) => face)) : [];
    if (named.length) this.#turns.took((performance.now() - started) / named.length);
    const raw = new Map(named.map((one, index) => [looked[index].person, one.probabilities]));
    const smoothed = this.#smoother.update(seconds, raw);
    named.forEach((one, index) => {
      const { person } = looked[index];
      this.#turns.keep(seconds, { person, ...this.recognizer.answer(one, smoothed.get(person) ?? []) });
    });
    const faces = found.flatMap(({ box, score }, index) => {
      const answer = this.#turns.last(persons[index]);
      return answer ? [{ ...answer, box, detection_score: score }] : [];
    });
    return { time_seconds: seconds, width, height, faces };
  }
}
