import assert from "node:assert/strict";
import { test } from "node:test";
import { sooner, withFallback } from "../../emotion_core/page/browser/graphics_card.js";

/** @type {any} */
const network = { input: { height: 2, width: 2, channels: 1 }, temperature: 1, bias: [] };
const yes = async () => true;

/**
 * A network that takes so long, and what became of it.
 * @param {import("node:test").TestContext} context
 */
function bench(context) {
  let now = 0, deleted = 0;
  context.mock.method(performance, "now", () => now);
  /** @param {number} cost @param {number} [shift] of the first logit */
  const run = (cost, shift = 0) => async (/** @type {Uint8Array} */ crop) => {
    now += cost;
    return Float32Array.from([crop[0] / 256 + shift, 0.1]);
  };
  /** @param {any} made */
  const card = (made) => async () => ({ run: made, delete: () => { deleted++; } });
  return { run, card, deleted: () => deleted };
}

test("a card that answers the same sooner is used", async (context) => {
  const { run, card, deleted } = bench(context);
  assert.ok(await sooner(run(20), card(run(5, 0.01)), network, yes));
  assert.equal(deleted(), 0);
});

test("WebAssembly answers where a card is slower, answers otherwise or fails", async (context) => {
  const { run, card, deleted } = bench(context);
  const fails = async () => { throw new Error("lost"); };
  assert.equal(await sooner(run(20), card(run(25)), network, yes), null);
  assert.equal(await sooner(run(20), card(run(5, 0.5)), network, yes), null);
  assert.equal(await sooner(run(20), card(run(5, NaN)), network, yes), null);
  assert.equal(await sooner(run(20), card(fails), network, yes), null);
  assert.equal(deleted(), 4);
  assert.equal(await sooner(run(20), fails, network, yes), null);
});

test("a card is not tried where there is none, or the network is quick without", async (context) => {
  const { run } = bench(context), tried = async () => assert.fail("tried");
  assert.equal(await sooner(run(20), tried, network), null); // Node has no card
  assert.equal(await sooner(run(2), tried, network, async () => assert.fail("looked for")), null);
});

test("a card that is lost gives way to WebAssembly, once and for all", async (context) => {
  const { run } = bench(context), crop = new Uint8Array(4);
  let calls = 0, lost = false;
  const card = {
    run: async () => {
      calls++;
      if (lost) throw new Error("device lost");
      return Float32Array.of(7);
    },
    delete: () => {},
  };
  const either = withFallback(run(20), card);
  assert.deepEqual([...(await either(crop))], [7]);
  lost = true;
  assert.equal((await either(crop)).length, 2);
  lost = false;
  assert.equal((await either(crop)).length, 2);
  assert.equal(calls, 2);
});
