import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { Recognizer, Stream } from "../../emotion_core/page/browser/stream.js";

// The page's own scripts are no modules.
const script = new URL("../../emotion_core/page/webcam_boxes.js", import.meta.url);
const MovingBoxes = runInNewContext(`${readFileSync(script, "utf8")}; MovingBoxes`, { STILL: { matches: true } });

/** @param {number} x */
const at = (x) => ({ x, y: 20, width: 40, height: 40 });
/** @returns {any} */
const newBox = () => ({ style: {}, classList: { toggle: () => {} } });

test("the whole answer of a frame leaves the boxes where that frame's, or a later one's, have put them", () => {
  const boxes = new MovingBoxes({}), box = newBox();
  boxes.mirrored = false;
  boxes.size = { width: 100, height: 100 };
  boxes.follow(box, at(10), 1000);
  boxes.follow(box, at(20), 1100);
  const { motion } = box, speed = motion.speed[0];
  assert.equal(box.style.left, "20.00%");
  assert.ok(speed > 0);
  boxes.follow(box, at(20), 1100); // the same frame's answer: the speed is not lost
  boxes.follow(box, at(10), 1000); // an earlier frame's
  assert.equal(box.motion, motion);
  assert.equal(box.style.left, "20.00%");
  boxes.follow(box, at(30), 1200);
  assert.equal(box.style.left, "30.00%");
  assert.ok(box.motion.speed[0] > speed);
});

test("places are told before the network runs, with the persons of the answer", async (context) => {
  context.mock.method(performance, "now", () => 0); // on a busy machine the network would seem slow
  /** @type {any[]} */
  const told = [];
  /** @type {string[]} */
  const order = [];
  const box = (/** @type {number} */ x) => ({ x, y: 0, width: 30, height: 30 });
  const face = (/** @type {number} */ x) => ({ box: box(x), crop: box(x), score: 0.9, angle: 0 });
  let faces = [face(0), face(60)];
  const run = async () => {
    order.push("network");
    return Float32Array.of(2, 1);
  };
  /** @type {any} */
  const network = {
    labels: [{ name: "happy" }, { name: "sad" }], input: { height: 48, width: 48, channels: 1 }, temperature: 1,
    bias: [], uncertain: { minConfidence: 0.4, minMargin: 0.1, minSide: 20 },
  };
  const stream = new Stream(new Recognizer(/** @type {any} */ (null), run, network));
  stream.search.find = async () => faces;
  const picture = { width: 100, height: 50, data: new Uint8Array(4 * 100 * 50) };
  const tell = (/** @type {any} */ places) => (order.push("places"), told.push(places));
  const first = await stream.analyze(picture, 0, tell);
  faces = [face(62), face(1)];
  const second = await stream.analyze(picture, 0.1, tell);
  assert.deepEqual(order, ["places", "network", "network", "places", "network", "network"]);
  const placesOf = (/** @type {any} */ { width, height, faces: named }) =>
    ({ width, height, faces: named.map((/** @type {any} */ one) => ({ person: one.person, box: one.box })) });
  assert.deepEqual(told, [first, second].map(placesOf));
  assert.deepEqual(told[1].faces.map((/** @type {any} */ one) => one.person), [2, 1]);
  faces = [];
  assert.deepEqual((await stream.analyze(picture, 0.2, tell)).faces, []);
  assert.equal(told.length, 2); // nobody: the answer itself comes at once
});
