import assert from "node:assert/strict";
import { test } from "node:test";
import { answerCalls, caller } from "../../emotion_core/page/browser/calls.js";

/** Two ends of a wire, each of which hears what is posted at the other. */
function wire() {
  const [page, worker] = [new EventTarget(), new EventTarget()];
  /** @param {EventTarget} from @param {EventTarget} to @returns {any} */
  const end = (from, to) => ({
    addEventListener: from.addEventListener.bind(from),
    postMessage: (/** @type {any} */ data) => to.dispatchEvent(Object.assign(new Event("message"), { data })),
  });
  return { page: end(page, worker), worker: end(worker, page), trouble: () => page.dispatchEvent(new Event("error")) };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("a call is answered, told of meanwhile, or refused in words", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { page, worker } = wire();
  answerCalls(worker, {
    add: (a, b, tell) => {
      tell("soon");
      return a + b;
    },
    refuse: () => {
      throw new Error("Not this.");
    },
  });
  const call = caller(page);
  /** @type {string[]} */
  const heard = [];
  assert.equal(await call("add", [1, 2], [], (told) => heard.push(told)), 3);
  assert.deepEqual(heard, ["soon"]);
  await assert.rejects(call("refuse"), /Not this/);
});

test("a worker that ended without a word is told of; one that is slow is waited for", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  /** @param {number} seconds */
  const wait = (seconds) => {
    for (let second = 0; second < seconds; second += 1) context.mock.timers.tick(1000);
  };
  const { page, worker, trouble } = wire();
  const posted = /** @type {number[]} */ ([]);
  worker.addEventListener("message", (/** @type {any} */ event) => posted.push(event.data.number));
  const call = caller(page);
  /** @type {Record<string, string>} */
  const ends = {};
  const follow = (/** @type {string} */ name) =>
    call(name).then((value) => (ends[name] = value), (error) => (ends[name] = error.message));
  void follow("slow");
  wait(110);
  worker.postMessage({ number: posted[0], told: "half" });
  wait(110);
  worker.postMessage({ number: posted[0], value: "done" });
  await settled();
  assert.equal(ends.slow, "done");
  wait(1000); // nobody waits: nothing to give up
  void follow("first");
  void follow("second");
  wait(115);
  await settled();
  assert.equal(ends.first, undefined);
  wait(10);
  await settled();
  assert.match(ends.first, /does not answer/);
  assert.match(ends.second, /does not answer/);
  void follow("third");
  trouble();
  await settled();
  assert.match(ends.third, /could not be loaded/);
});
