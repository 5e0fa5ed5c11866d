/**
 * Pictures in, answers out: the steps of the server's core, in its order and its shapes.
 * @import {Face, FaceAnswer, FrameAnswer, Network, Picture, Prediction} from "./types.js"
 * @import {Detector} from "./detector.js"
 */
import { calibrated, isUncertain } from "./classifier.js";
import { FaceSearch } from "./face_search.js";
import { crop, mirrored } from "./crops.js";
import { ProbabilitySmoother } from "./smoother.js";
import { FaceTracker } from "./tracker.js";

/**
 * Runs the network's graph on one crop, and gives its logits.
 * @callback RunNetwork
 * @param {Uint8Array<ArrayBuffer>} crop
 * @returns {Promise<Float32Array>}
 */

/** Detector and network: what answers for one picture. */
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

  /**
   * @param {Picture} picture
   * @returns {Promise<{width: number, height: number, faces: Omit<FaceAnswer, "person">[]}>}
   */
  async analyze(picture) {
    const faces = await this.detector.detect(picture);
    const named = await this.predict(picture, faces, this.network.flip);
    return { width: picture.width, height: picture.height, faces: named.map((one) => this.answer(one)) };
  }

  /**
   * @param {Picture} picture
   * @param {Face[]} faces
   * @param {boolean} [flip] whether to look at each in the mirror, too
   * @returns {Promise<Prediction[]>}
   */
  async predict(picture, faces, flip = false) {
    const named = [];
    for (const face of faces) {
      const view = crop(picture, face.crop, this.network.input, face.angle);
      let logits = await this.run(view);
      if (flip) {
        const other = await this.run(mirrored(view, this.network.input));
        logits = logits.map((value, index) => (value + other[index]) / 2);
      }
      const probabilities = calibrated(logits, this.network);
      const uncertain = isUncertain(probabilities, this.network.uncertain, face.crop.width);
      named.push({ face, probabilities, uncertain });
    }
    return named;
  }

  /** @param {Prediction} prediction @param {number[]} [shown] smoothed probabilities, where there are some */
  answer(prediction, shown = prediction.probabilities) {
    const confidence = Math.max(...shown);
    return {
      box: prediction.face.box,
      detection_score: prediction.face.score,
      emotion: this.network.labels[shown.indexOf(confidence)].name,
      confidence,
      uncertain: isUncertain(shown, this.network.uncertain, prediction.face.crop.width),
      probabilities: this.#named(shown),
      raw_probabilities: this.#named(prediction.probabilities),
    };
  }

  /** @param {number[]} values */
  #named(values) {
    return Object.fromEntries(this.network.labels.map(({ name }, index) => [name, values[index]]));
  }
}

/** The frames of one camera in the order of time, persons kept apart. */
export class Stream {
  #tracker = new FaceTracker();
  #smoother = new ProbabilitySmoother();

  /** @param {Recognizer} recognizer */
  constructor(recognizer) {
    this.recognizer = recognizer;
    this.search = new FaceSearch(recognizer.detector);
  }

  /** @param {Picture} picture @param {number} seconds @returns {Promise<FrameAnswer>} */
  async analyze(picture, seconds) {
    const found = await this.search.find(picture, seconds);
    const named = await this.recognizer.predict(picture, found);
    const persons = this.#tracker.update(seconds, named.map(({ face }) => face.box), picture);
    const raw = new Map(named.map((one, index) => [persons[index], one.probabilities]));
    const smoothed = this.#smoother.update(seconds, raw);
    const faces = named.map((one, index) => ({
      person: persons[index],
      ...this.recognizer.answer(one, smoothed.get(persons[index])),
    }));
    return { time_seconds: seconds, width: picture.width, height: picture.height, faces };
  }
}
