import assert from "node:assert/strict";
import { test } from "node:test";
import { largestFirst, moved, overlap } from "../../emotion_core/page/browser/boxes.js";
import { Detector, resultOf } from "../../emotion_core/page/browser/detector.js";
import { linear } from "../../emotion_core/page/browser/enlarge.js";
import { FaceSearch } from "../../emotion_core/page/browser/face_search.js";
import { forOne, forSides } from "../../emotion_core/page/browser/graphs.js";
import { cut, padded } from "../../emotion_core/page/browser/pixels.js";
import { OUTPUTS, STRIDES, best, decoded } from "../../emotion_core/page/browser/yunet.js";

/** The graph's outputs for a picture of that size, without a face. @param {number} width @param {number} height */
function nothing(width, height) {
  const values = { cls: 1, obj: 1, bbox: 4, kps: 10 };
  return Object.fromEntries(OUTPUTS.map((name) => {
    const [head, stride] = name.split("_");
    const places = (width / Number(stride)) * (height / Number(stride));
    return [name, new Float32Array(places * values[/** @type {keyof typeof values} */ (head)])];
  }));
}

/**
 * A face at a place of a stride's grid, about `size` strides wide.
 * @param {Record<string, Float32Array>} outputs @param {number} stride @param {number} place
 * @param {number} score @param {number} size
 */
function put(outputs, stride, place, score, size) {
  outputs[`cls_${stride}`][place] = outputs[`obj_${stride}`][place] = score;
  outputs[`bbox_${stride}`].set([0.5, 0.25, Math.log(size), Math.log(2 * size)], 4 * place);
  outputs[`kps_${stride}`].set([-1, -1, 1, -1, 0, 0, -1, 1, 1, 1], 10 * place);
}

/** @param {number} width @param {number} height */
function blank(width, height) {
  return { width, height, data: new Uint8Array(4 * width * height) };
}

test("a place says where its box is", () => {
  const outputs = nothing(96, 64);
  put(outputs, 16, 6 + 4, 0.81, 2); // row 1, column 4 of 6
  put(outputs, 8, 3, 0.5, 2); // too weak
  const [one, ...others] = decoded(outputs, 96, 64);
  const { points, ...box } = one;
  assert.deepEqual(Object.values(box).map((it) => Math.round(100 * it)), [
    (4.5 * 16 - 16) * 100, (1.25 * 16 - 32) * 100, 3200, 6400, 81,
  ]);
  assert.deepEqual(points, [3, 0, 5, 0, 4, 1, 3, 2, 5, 2].map((it) => 16 * it)); // the left eye first, the mouth last
  assert.deepEqual(others, []);
  assert.deepEqual(STRIDES.map((stride) => outputs[`bbox_${stride}`].length), [12 * 8 * 4, 6 * 4 * 4, 3 * 2 * 4]);
});

test("scores are shares, whatever the graph says", () => {
  const outputs = nothing(32, 32);
  put(outputs, 32, 0, 3, 1);
  assert.equal(decoded(outputs, 32, 32)[0].score, 1);
  outputs.cls_32[0] = -3;
  outputs.obj_32[0] = -3;
  assert.deepEqual(decoded(outputs, 32, 32), []);
});

test("the best of those that overlap stays, and its neighbours", () => {
  const box = { y: 0, width: 100, height: 100, points: [] };
  const found = [
    { ...box, x: 0, score: 0.8 },
    { ...box, x: 20, score: 0.9 },
    { ...box, x: 80, score: 0.85 },
  ];
  assert.deepEqual(best(found).map(({ x }) => x), [20, 80]);
  assert.deepEqual(best([]), []);
});

test("pictures are padded, never squeezed, and the boxes are the picture's own", async () => {
  /** @type {[number, number][]} */
  const seen = [];
  const detector = new Detector(async ({ width, height }) => {
    seen.push([width, height]);
    const outputs = nothing(width, height);
    if (height > 64) put(outputs, 32, (width / 32) * 2 + 2, 0.9, 3); // row 2, column 2
    return outputs;
  });
  const [face] = await resultOf(detector.detect(blank(300, 200)));
  assert.deepEqual(seen, [[320, 224]]);
  assert.deepEqual(face.box, { x: 32, y: 0, width: 96, height: 168 }); // cut to the picture
  const side = Math.round(1.1 * 96 * Math.SQRT2);
  assert.deepEqual(face.crop, { x: 80 - (side - 1) / 2 - 1, y: 72 - (side - 1) / 2 - 1, width: side, height: side });
  assert.equal(Math.abs(face.angle), 0);
  for (const sides of [[2048, 1024], [48, 48], [300, 8]]) await resultOf(detector.detect(blank(sides[0], sides[1])));
  assert.deepEqual(seen.slice(1), [[320, 160], [800, 416], [2016, 1024], [256, 256], [320, 64]]);
});

test("a known face is sought near its place, and lost ones everywhere", async () => {
  /** @type {number[]} */
  const widths = [];
  let there = true;
  const detector = new Detector(async ({ width, height }) => {
    widths.push(width);
    const outputs = nothing(width, height);
    // A face of 150 pixels in the frame; in the cut around it, of 112 / 2.2 pixels in the middle.
    if (there && width !== 320) put(outputs, 16, width === 128 ? 3 * 8 + 3 : 8 * 30 + 12, 0.9, width === 128 ? 2.2 : 5);
    return outputs;
  });
  const search = new FaceSearch(detector);
  for (const seconds of [0, 0.1, 0.2, 0.35]) assert.equal((await search.find(blank(640, 480), seconds)).length, 1);
  assert.deepEqual(widths.splice(0), [320, 480, 128, 128, 128]); // a search is due, and keeps no frame waiting
  await search.lookAround();
  assert.deepEqual(widths.splice(0), [320]); // one size after each frame
  assert.equal((await search.find(blank(640, 480), 0.38)).length, 1);
  for (let count = 0; count < 3; count++) await search.lookAround();
  assert.deepEqual(widths.splice(0), [128, 480]);
  assert.equal((await search.find(blank(640, 480), 0.4)).length, 1);
  await search.lookAround();
  assert.deepEqual(widths.splice(0), [128]);
  there = false;
  assert.deepEqual(await search.find(blank(640, 480), 0.5), []);
  assert.deepEqual(widths, [128, 320, 480]);
});

test("a small face's surroundings are enlarged as on the server, in whole numbers", async () => {
  const detector = new Detector(async () => ({})), side = 320;
  const data = Uint8Array.from({ length: 4 * side * side }, (_, index) => (index * 7919) % 251);
  const box = { x: 150, y: 150, width: 30, height: 30 }, face = { box, crop: box, score: 0.9, angle: 0 };
  detector.detect = async function* () { yield; return [face]; };
  /** @type {import("../../emotion_core/page/browser/types.js").Picture[]} */
  const seen = [];
  detector.detectNear = async (picture) => { seen.push(picture); return [face]; };
  const picture = { width: side, height: side, data }, search = new FaceSearch(detector);
  for (const seconds of [0, 0.1]) await search.find(picture, seconds);
  const around = cut(picture, { x: 132, y: 132, width: 66, height: 66 });
  assert.deepEqual([...seen[0].data], [...linear(around.data, { width: 66, height: 66, channels: 4 }, 112, 112)]);
});

test("a newcomer, seen between two frames, is followed from the next one on", async () => {
  const detector = new Detector(async () => ({}));
  const [one, other] = [100, 350].map((x) => ({ x, y: 100, width: 80, height: 80 }));
  /** @param {import("../../emotion_core/page/browser/types.js").Box} box */
  const face = (box) => ({ box, crop: box, score: 0.9, angle: 0 });
  let everybody = [face(one)], step = 0; // pixels that they move to the right from frame to frame
  detector.detectNear = async ({ width }) =>
    [face({ x: 0.275 * width + step, y: 0.275 * width, width: 0.45 * width, height: 0.45 * width })];
  detector.detect = async function* () {
    const seen = everybody;
    yield;
    return seen;
  };
  const search = new FaceSearch(detector);
  await search.find(blank(480, 360), 0);
  everybody = [face(one), face(other)];
  assert.equal((await search.find(blank(480, 360), 0.4)).length, 1);
  await search.lookAround();
  step = 10;
  const [before] = await search.find(blank(480, 360), 0.45);
  assert.ok(before.box.x > one.x);
  await search.lookAround();
  // Who is known already is sought where he went meanwhile, not where the search saw him.
  const [first, second, ...others] = (await search.find(blank(480, 360), 0.5)).map(({ box }) => box.x);
  assert.deepEqual(others, []);
  assert.ok(Math.min(first, second) > before.box.x && Math.max(first, second) > other.x);
  // Whom a search does not find is not followed any longer.
  everybody = [face(other)];
  await search.find(blank(480, 360), 0.8);
  for (let count = 0; count < 2; count++) await search.lookAround();
  assert.equal((await search.find(blank(480, 360), 0.85)).length, 1);
});

test("a search that fails is begun anew, and one that came too late counts for nothing", async () => {
  const detector = new Detector(async () => ({})), blankFrame = blank(480, 360);
  const box = { x: 100, y: 100, width: 80, height: 80 }, face = { box, crop: box, score: 0.9, angle: 0 };
  let broken = false, lost = false, faces = [face];
  const near = { x: 31, y: 31, width: 50, height: 50 }; // in the cut-out of 112 pixels
  detector.detectNear = async () => (lost ? [] : [{ ...face, box: near }]);
  detector.detect = async function* () {
    yield;
    if (broken) throw new Error("out of memory");
    return faces;
  };
  const search = new FaceSearch(detector);
  await search.find(blankFrame, 0);
  await search.find(blankFrame, 0.4);
  broken = true;
  await search.lookAround();
  await assert.rejects(search.lookAround(), /out of memory/);
  await search.lookAround();
  broken = false;
  assert.equal((await search.find(blankFrame, 0.8)).length, 1);
  await search.lookAround(); // begins
  lost = true;
  faces = [];
  assert.deepEqual(await search.find(blankFrame, 0.85), []); // everywhere, at once
  faces = [face];
  await search.lookAround(); // would end
  lost = false;
  faces = [];
  assert.deepEqual(await search.find(blankFrame, 0.9), []);
});

test("boxes", () => {
  const box = { x: 10, y: 10, width: 20, height: 20 }, face = { box, crop: box, score: 1, angle: 0 };
  assert.equal(overlap(box, box), 1);
  assert.equal(overlap(box, { ...box, x: 20 }), 1 / 3);
  assert.equal(overlap(box, { ...box, x: 40 }), 0);
  assert.deepEqual(moved(face, 2, 5, -5).box, { x: 25, y: 15, width: 40, height: 40 });
  const large = { ...face, box: { x: -5, y: -5, width: 50, height: 50 } };
  const outside = { ...face, box: { ...box, x: 500 } };
  assert.deepEqual(largestFirst([face, outside, large], { width: 100, height: 40 }).map((one) => one.box), [
    { x: 0, y: 0, width: 45, height: 40 },
    box,
  ]);
});

test("black is added to the right and below", () => {
  const picture = { width: 2, height: 1, data: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]) };
  const more = padded(picture, 4);
  assert.deepEqual([more.width, more.height, more.data.length], [4, 4, 64]);
  assert.deepEqual([...more.data.subarray(0, 12)], [1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0]);
  assert.equal(padded(blank(64, 32), 32).data.length, 4 * 64 * 32);
});

test("sizes are written where they were marked, in a copy", () => {
  const graph = new Uint8Array(new Int32Array([7, -1, 9, -1]).buffer);
  assert.deepEqual([...new Int32Array(forOne(graph, [4, 12]).buffer)], [7, 1, 9, 1]);
  assert.throws(() => forOne(graph, [8]), /not the one that was marked/);
  const sized = forSides(graph, [[0, 0, 32, 0], [4, 1, 1, 2]], 320, 256);
  assert.deepEqual([...new Int32Array(sized.buffer)], [8, 322, 9, -1]);
  assert.deepEqual([...new Int32Array(graph.buffer)], [7, -1, 9, -1]);
});
