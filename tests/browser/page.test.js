import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageChannel } from "node:worker_threads";
import { answerCalls, caller } from "../../emotion_core/page/browser/calls.js";
import { Device } from "../../emotion_core/page/browser/device.js";
import { bytesOf } from "../../emotion_core/page/browser/files.js";
import { Sources, summaryOf } from "../../emotion_core/page/browser/sources.js";
import { outline, runs } from "../../emotion_core/page/browser/timeline.js";

/** @type {any} */
const server = { kind: "server", words: () => "On the server.", open: async () => ({ wait: "later" }) };
/** @type {any} */
const files = { worker: "w.js", host: "", runtime: {}, detector: {}, networks: [], first: "small" };
const nothing = { model: null, detector: null };

const element = () => ({ setAttribute: () => {}, append: () => {}, outerHTML: "" });
Object.assign(globalThis, { document: { createElement: element, createElementNS: element } });

/** A function that calls these methods, over a channel. @param {Record<string, (...values: any[]) => any>} methods */
function callsOf(methods) {
  const { port1, port2 } = new MessageChannel();
  answerCalls(/** @type {any} */ (port2), methods);
  const call = caller(/** @type {any} */ ({
    addEventListener: port1.addEventListener.bind(port1),
    postMessage: (/** @type {any} */ message) => port1.postMessage(message),
  }));
  port1.start();
  port2.start();
  return { call, close: () => port1.close() };
}

test("calls are answered, and errors travel", async (context) => {
  const { call, close } = callsOf({
    add: (one, other) => one + other,
    fail: () => { throw new Error("no"); },
  });
  context.after(close);
  assert.deepEqual(await Promise.all([call("add", [1, 2]), call("add", [3, 4])]), [3, 7]);
  await assert.rejects(call("fail"), /^Error: no$/);
  await assert.rejects(call("unknown"), /not a function/);
});

test("what a method tells comes before its answer, to its own caller, and never after it", async (context) => {
  const { call, close } = callsOf({
    find: async (name, tell) => {
      tell(`${name} is there`);
      await new Promise((done) => setTimeout(done, name === "Ann" ? 30 : 10));
      setTimeout(() => tell("too late"), 5);
      return `${name} smiles`;
    },
    fail: (tell) => { tell("soon"); throw new Error("no"); },
  });
  context.after(close);
  /** @type {string[]} */
  const heard = [];
  const find = async (/** @type {string} */ name) => {
    const hear = (/** @type {string} */ told) => heard.push(`${name}: ${told}`);
    heard.push(await call("find", [name], [], hear));
  };
  await Promise.all([find("Ann"), find("Bob"), call("find", ["Cid"])]);
  await new Promise((done) => setTimeout(done, 40));
  assert.deepEqual(heard, ["Ann: Ann is there", "Bob: Bob is there", "Bob smiles", "Ann smiles"]);
  await assert.rejects(call("fail", [], [], (told) => heard.push(told)), /^Error: no$/);
  assert.equal(heard[4], "soon");
});

test("without what a browser needs the server answers, as ever", () => {
  const sources = new Sources({ entry: "", device: null }, "http://localhost/", server);
  assert.equal(sources.offered, false);
  assert.equal(sources.sourceOf(nothing), server);
});

test("who answers, and why", async () => {
  const sources = new Sources({ entry: "", device: files }, "http://localhost/", server);
  // Node has no canvas that a worker could draw on: the same words as in an old browser.
  assert.match(sources.sourceOf(nothing).words(), /^On the server\. This browser is too old/);
  assert.deepEqual(await sources.sourceOf(nothing).open(nothing), { wait: "later" });
  Object.assign(globalThis, { OffscreenCanvas: class {}, createImageBitmap: () => {} });
  const device = sources.sourceOf(nothing);
  assert.equal(device.kind, "device");
  assert.match(device.words(), /no picture leaves it/);
  const haar = sources.sourceOf({ model: null, detector: "Haar cascade" });
  assert.equal(haar.words(), "On the server. Haar cascade runs there alone.");
  sources.want("server");
  assert.equal(sources.sourceOf(nothing), server);
  sources.want(null);
  // Node has no workers of this kind: loading fails, and the server takes over and says so.
  assert.deepEqual(await device.open(nothing), {});
  assert.match(sources.sourceOf(nothing).words(), /^On the server\. This device cannot answer by itself: /);
  sources.want("device");
  assert.equal(sources.sourceOf(nothing), device);
});

/** Two networks, and a worker that says what it took, the files of which come when they are let. */
function twoNetworks(/** @type {import("node:test").TestContext} */ context) {
  const networks = ["large", "small"].map((name) => ({ name, file: { url: name, integrity: "" }, labels: [{ name }] }));
  /** @type {Record<string, (answer: Response) => void>} */
  const come = {};
  context.mock.method(globalThis, "fetch", (/** @type {string} */ address) =>
    new Promise((done) => { come[String(address).split("/").at(-1) ?? ""] = done; }));
  /** @type {string[]} */
  const taken = [];
  const { call, close } = callsOf({
    takeNetwork: async (_, { name }) => {
      await new Promise((done) => setTimeout(done, name === "large" ? 30 : 5));
      taken.push(name);
    },
    forget: () => taken.push("forget"),
  });
  context.after(close);
  const both = /** @type {any} */ ({ ...files, networks });
  const device = new Device(both, "http://localhost/", /** @type {any} */ ({ addEventListener: () => {} }));
  device.call = call;
  const soon = () => new Promise((done) => setTimeout(done, 10));
  const answered = async (/** @type {string} */ name, status = 200) => {
    await soon();
    come[name](new Response("x", { status }));
  };
  return { device, both, taken, come: answered };
}

test("of two networks the one that was chosen last is used, whichever comes first", async (context) => {
  const { device, taken, come } = twoNetworks(context);
  let chosen = [device.use("large"), device.use("small")];
  await come("small");
  await chosen[1];
  await come("large");
  await Promise.all(chosen);
  assert.deepEqual([device.network?.name, taken], ["small", ["small"]]);
  // Back to the one in use, while another is on its way into the worker.
  chosen = [device.use("large")];
  await come("large");
  await new Promise((done) => setTimeout(done, 5));
  chosen.push(device.use("small"));
  await Promise.race([chosen[1], new Promise((done) => setTimeout(done, 80))]);
  await come("small");
  await Promise.all(chosen);
  assert.deepEqual([device.network?.name, taken], ["small", ["small", "large", "small"]]);
});

test("a stream that was left does not touch the times of the next, and its failure is none", async (context) => {
  const { device, both, come } = twoNetworks(context);
  context.mock.method(Device, "start", async () => device);
  device.stop = () => assert.fail("the device was stopped");
  const sources = new Sources({ entry: "", device: both }, "http://localhost/", server);
  const source = sources.sourceOf(nothing), video = /** @type {any} */ ({ requestVideoFrameCallback: () => 1 });
  /** @type {number[]} */
  const times = [];
  device.frame = async (_, seconds) => {
    times.push(seconds);
    return { time_seconds: seconds, width: 4, height: 3, faces: [] };
  };
  for (const status of [200, 404]) {
    device.network = null;
    const [left, opened] = ["large", "small"].map((model) => source.open({ model, detector: null }));
    await come("small");
    assert.deepEqual((await opened)?.labels?.map(({ name }) => name), ["small"]);
    assert.equal((await source.answer(video))?.summary, "No face found.");
    await come("large", status);
    assert.deepEqual(await left, {});
    await source.answer(video);
    assert.ok(times[times.length - 1] > times[times.length - 2]);
    assert.equal(sources.trouble, "", String(status));
  }
});

test("a file that does not come, or is another", async (context) => {
  const file = { url: "file", integrity: "sha256-x" };
  const fetched = context.mock.method(globalThis, "fetch", async () => { throw new TypeError("integrity"); });
  await assert.rejects(bytesOf(file, "http://localhost/"), /not the one that was published/);
  assert.equal(fetched.mock.calls[0].arguments[1]?.integrity, "sha256-x");
  fetched.mock.mockImplementation(async () => new Response("", { status: 404 }));
  await assert.rejects(bytesOf(file, "http://localhost/"), /\(404\)/);
});

test("what is read aloud", () => {
  const face = (/** @type {number} */ person, /** @type {string} */ emotion) => ({ person, emotion });
  const said = (/** @type {any[]} */ faces) => summaryOf({ time_seconds: 0, width: 1, height: 1, faces });
  assert.equal(said([]), "No face found.");
  assert.equal(said([face(2, "sad")]), "1 face: person 2 sad.");
  assert.equal(said([face(3, "sad"), face(1, "happy")]), "2 faces: person 1 happy, person 3 sad.");
});

test("stretches without a gap, and their outline", () => {
  assert.deepEqual(runs([1, 2, 3, 7, 9, 10]), [[1, 2, 3], [7], [9, 10]]);
  assert.deepEqual(runs([]), []);
  assert.equal(outline([0], [0], [1], 30), "M0 0L5 0L10 0L10 60L5 60L0 60Z");
  assert.equal(outline([0], [0.5], [1.5], 60), "M0 0L0 0L0 0L0 30L0 30L0 30Z"); // long ago, and a share too large
});

test("a device that is slow gives way to the server, unless it was asked for", async (context) => {
  let now = 0, cost = 400;
  context.mock.method(performance, "now", () => now);
  const labels = [{ name: "happy", colour: "#fff", ink: "#000", symbol: null }];
  const frame = async () => {
    now += cost;
    return { time_seconds: now / 1000, width: 4, height: 3, faces: [] };
  };
  const network = { title: "Small", labels }, use = async () => network;
  context.mock.method(Device, "start", async () => ({ network, use, frame, stop: () => {} }));
  const video = /** @type {any} */ ({ requestVideoFrameCallback: (/** @type {() => void} */ done) => done() });
  const sources = new Sources({ entry: "", device: files }, "http://localhost/", server);
  const frames = async () => {
    const source = sources.sourceOf(nothing);
    assert.equal(source.kind, "device");
    assert.deepEqual(await source.open(nothing), { labels });
    const answers = [];
    for (let count = 0; count < 40; count++) answers.push(await source.answer(video));
    return answers;
  };
  cost = 100;
  let answers = await frames();
  assert.ok(answers.every((answer) => !answer?.gone));
  assert.equal(answers[39]?.milliseconds, 100);
  assert.equal(Math.round(answers[39]?.fps ?? 0), 10);
  cost = 400;
  sources.want("device");
  assert.ok((await frames()).every((answer) => !answer?.gone));
  sources.want(null);
  answers = await frames();
  assert.ok(answers.some((answer) => answer?.gone));
  assert.match(sources.sourceOf(nothing).words(), /^On the server\. This device would be slow\.$/);
});
