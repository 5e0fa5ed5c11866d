/**
 * Runs the page's modules on what stands on the standard input, and prints what they say, for a comparison
 * with the server's core: `node reference.js < steps.json`.
 */
import { readFileSync } from "node:fs";
import { assign } from "../../emotion_core/page/browser/assignment.js";
import { whole } from "../../emotion_core/page/browser/boxes.js";
import { isUncertain, softmax } from "../../emotion_core/page/browser/classifier.js";
import { doubts } from "../../emotion_core/page/browser/doubt.js";
import { crop } from "../../emotion_core/page/browser/crops.js";
import { merged, tilt } from "../../emotion_core/page/browser/detector.js";
import { gray, scaled } from "../../emotion_core/page/browser/pixels.js";
import { scales, sound } from "../../emotion_core/page/browser/pyramid.js";
import { RollingHistory } from "../../emotion_core/page/browser/recent.js";
import { ProbabilitySmoother } from "../../emotion_core/page/browser/smoother.js";
import { FaceTracker } from "../../emotion_core/page/browser/tracker.js";

/** @param {{width: number, height: number, rgba: string}} sent */
function picture({ width, height, rgba }) {
  return { width, height, data: new Uint8Array(Buffer.from(rgba, "base64")) };
}

/** @param {Uint8Array} bytes */
function sent(bytes) {
  return Buffer.from(bytes).toString("base64");
}

/** @type {Record<string, (values: any) => unknown>} */
const steps = {
  assign: ({ costs, limit }) => assign(costs, limit),
  crop: (values) => sent(crop(picture(values.picture), values.square, values.input, values.angle)),
  gray: (values) => sent(gray(picture(values.picture).data)),
  scaled: ({ picture: from, width, height, fine }) =>
    sent(new Uint8Array(scaled(picture(from), width, height, fine).data)),
  softmax: ({ logits, temperature, bias }) => softmax(logits, temperature, bias),
  uncertain: ({ probabilities, rule }) => isUncertain(probabilities, rule),
  smooth: ({ frames }) => {
    const smoother = new ProbabilitySmoother();
    return frames.map((/** @type {any} */ { seconds, raw }) => [...smoother.update(seconds, new Map(raw))]);
  },
  track: ({ frames }) => {
    const tracker = new FaceTracker();
    return frames.map((/** @type {any} */ one) => tracker.update(one.seconds, one.boxes, picture(one.picture)));
  },
  history: ({ labels, frames }) => {
    const history = new RollingHistory(labels);
    for (const frame of frames) history.add(frame);
    return history.people().map((one) => ({ ...one, bins: [...one.bins] }));
  },
  doubts: ({ crop: view, input, face, minSide }) => doubts(Buffer.from(view, "base64"), input, face, minSide),
  tilt: ({ points }) => tilt(points),
  scales: ({ longest }) => scales(longest),
  // Which ones stay, by the numbers that they have instead of points.
  merged: ({ found }) => merged(found).map((one) => one.points[0]),
  sound: ({ found, width, height }) => sound(found, width, height).map((one) => one.points[0]),
  whole: ({ values }) => values.map(whole),
};

const asked = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(asked.map((/** @type {any} */ { step, ...values }) => steps[step](values))));
