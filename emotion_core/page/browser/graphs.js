/**
 * LiteRT graphs prepared for the browser's runtime, which needs every size fixed: in a copy, the numbers
 * that the server marked in the file are overwritten, and nothing else.
 * @import {SideMark} from "./types.js"
 */

/**
 * A graph with batch size 1.
 * @param {Uint8Array} graph
 * @param {number[]} marks
 * @returns {Uint8Array}
 */
export function forOne(graph, marks) {
  const copy = graph.slice(), view = new DataView(copy.buffer);
  for (const offset of marks) {
    if (view.getInt32(offset, true) !== -1) throw new Error("The network's file is not the one that was marked.");
    view.setInt32(offset, 1, true);
  }
  return copy;
}

/**
 * The detector for pictures of this size in pixels.
 * @param {Uint8Array} graph
 * @param {SideMark[]} marks
 * @param {number} width
 * @param {number} height
 * @returns {Uint8Array}
 */
export function forSides(graph, marks, width, height) {
  const copy = graph.slice(), view = new DataView(copy.buffer);
  for (const [offset, axis, stride, more] of marks) {
    view.setInt32(offset, (axis === 0 ? height : width) / stride + more, true);
  }
  return copy;
}
