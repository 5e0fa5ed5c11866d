/**
 * LiteRT graphs made ready for the browser's runtime, which wants every size said: the numbers that the
 * server marked in the file are overwritten in a copy, and nothing else is.
 * @import {SideMark} from "./types.js"
 */

/**
 * A graph for one crop at a time.
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
 * The detector for pictures of a size in pixels.
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
