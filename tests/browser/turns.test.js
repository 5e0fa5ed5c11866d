import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Recognizer, Stream } from "../../emotion_core/page/browser/stream.js";

/** @type {any} */
const network = {
  labels: [{ name: "happy" }, { name: "sad" }], input: { height: 48, width: 48, channels: 1 }, temperature: 1,
  bias: [], uncertain: { minConfidence: 0.4, minMargin: 0.1, minSide: 20 },
};
const picture = { width: 400, height: 50, data: new Uint8Array(4 * 400 * 50) };

// The clock stands still except while a network runs, so that a busy machine makes none slow.
let now = 0;
mock.method(performance, "now", () => now);

/**
 * A stream whose network takes so long a face, and the number of faces that it sees in each of these frames.
 * @param {number} milliseconds
 * @param {number[][]} frames where the faces stand
 */
async function seen(milliseconds, frames) {
  let looks = 0;
  /** @type {any[]} */
  let faces = [];
  const run = async () => {
    looks += 1;
    now += milliseconds;
    return Float32Array.of(looks, 0); // surer each time
  };
  const stream = new Stream(new Recognizer(/** @type {any} */ (null), run, network));
  stream.search.find = async () => faces;
  const counts = [], answers = [];
  for (const [index, places] of frames.entries()) {
    const box = (/** @type {number} */ x) => ({ x, y: 0, width: 30, height: 30 });
    faces = places.map((x) => ({ box: box(x), crop: box(x), score: 0.9 - index / 100, angle: 0 }));
    const before = looks;
    answers.push(await stream.analyze(picture, index / 20));
    counts.push(looks - before);
  }
  return { counts, answers };
}

test("a fast network sees everyone in every frame", async () => {
  const { counts, answers } = await seen(0, [[0, 100], [1, 101], [2, 102]]);
  assert.deepEqual(counts, [2, 2, 2]);
  assert.ok(answers.every(({ faces }) => faces.every((face) => !face.held)));
});

test("a slow one sees a face in every second frame, and boxes follow in each", async () => {
  const { counts, answers } = await seen(20, [[0], [1], [2], [3], [4]]);
  assert.deepEqual(counts, [1, 0, 1, 0, 1]);
  const [first, second, third] = answers.map(({ faces }) => faces[0]);
  assert.deepEqual(answers.map(({ faces }) => faces[0].box.x), [0, 1, 2, 3, 4]);
  assert.deepEqual(answers.map(({ faces }) => faces[0].held ?? false), [false, true, false, true, false]);
  assert.deepEqual(second, { ...first, box: second.box, detection_score: 0.89, held: true });
  assert.notDeepEqual(third.raw_probabilities, first.raw_probabilities);
});

test("of several it sees one a frame, who has waited longest; newcomers at once", async () => {
  const { counts, answers } = await seen(20, [...Array(4).fill([0, 100, 200]), [0, 100, 200, 300]]);
  assert.deepEqual(counts, [3, 0, 1, 1, 2]);
  const looked = answers.slice(2).map(({ faces }) => faces.filter(({ held }) => !held).map(({ person }) => person));
  assert.deepEqual(looked, [[1], [2], [3, 4]]);
});

test("whoever comes back after a while is seen at once", async () => {
  const gone = Array.from({ length: 25 }, () => /** @type {number[]} */ ([]));
  const { counts, answers } = await seen(20, [[0], ...gone, [0]]);
  assert.deepEqual(counts, [1, ...gone.map(() => 0), 1]);
  assert.equal(answers.at(-1)?.faces[0].person, 2);
});

test("people in a group are not newcomers for ever, however slow the network", async () => {
  let looks = 0;
  now = 0;
  const run = async () => {
    now += 200;
    looks += 1;
    return Float32Array.of(1, 0);
  };
  const stream = new Stream(new Recognizer(/** @type {any} */ (null), run, network));
  const boxes = [0, 60, 120, 180, 240, 300].map((x) => ({ x, y: 0, width: 30, height: 30 }));
  stream.search.find = async () => boxes.map((box) => ({ box, crop: box, score: 0.9, angle: 0 }));
  const persons = [], counts = [];
  for (let frame = 0; frame < 12; frame++) {
    const before = looks, { faces } = await stream.analyze(picture, now / 1000);
    persons.push(faces.map(({ person }) => person));
    counts.push(looks - before);
    now += 30;
  }
  // The first frame takes longer than the tracker remembers anyone; from then on they come one after the other.
  assert.deepEqual(persons.slice(0, 4), [[1, 2, 3, 4, 5, 6], [7], [7, 8], [7, 8, 9]]);
  assert.deepEqual(persons.at(-1), [7, 8, 9, 10, 11, 12]);
  assert.ok(Math.max(...counts.slice(1)) <= 2);
});
