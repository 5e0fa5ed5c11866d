import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import vm from "node:vm";

const script = readFileSync(new URL("../../emotion_core/page/webcam_table.js", import.meta.url), "utf8");

test("a label is no formula for a spreadsheet, and a number stays one", async () => {
  const table = vm.runInNewContext(`${script}; new StreamTable()`, { Blob });
  const labels = ["=1+1", "+x", "-sad", "@x", "\tx", "\rx", 'a"b', "happy"];
  table.begin(labels);
  const probabilities = Object.fromEntries(labels.map((label) => [label, 0.125]));
  const box = { x: -3, y: 4, width: 20, height: 20 };
  table.note({ faces: [{ box, person: 1, emotion: "=1+1", confidence: 0.5, uncertain: false, probabilities }] }, 0.5);
  const [head, row] = (await table.csv().text()).split("\r\n");
  assert.ok(head.endsWith(`,'=1+1,'+x,'-sad,'@x,'\tx,"'\rx","a""b",happy`), head);
  assert.ok(row.startsWith("0.500,1,'=1+1,0.5,false,-3,4,"), row);
});

test("a face whose expression is an earlier frame's has no row", async () => {
  const table = vm.runInNewContext(`${script}; new StreamTable()`, { Blob });
  table.begin(["happy"]);
  const box = { x: 1, y: 2, width: 3, height: 4 };
  const face = { box, emotion: "happy", confidence: 1, probabilities: { happy: 1 } };
  table.note({ faces: [{ ...face, person: 1, uncertain: false }, { ...face, person: 2, held: true }] }, 0);
  table.note({ faces: [{ ...face, person: 1, held: true }] }, 1);
  assert.deepEqual(Array.from(table.rows, (row) => row.slice(0, 2).join()), ["0.000,1"]);
});
