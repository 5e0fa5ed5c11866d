/**
 * Optimal assignment of rows to columns: shortest augmenting paths with potentials (Jonker and Volgenant
 * 1987, doi:10.1007/BF02278710). A frame has only a handful of faces.
 */

/**
 * As many pairs as possible at the lowest cost, never one that costs more than `limit`.
 * @param {number[][]} costs finite, rows x columns
 * @param {number} limit
 * @returns {[row: number, column: number][]} in row order
 */
export function assign(costs, limit) {
  const rows = costs.length, columns = costs[0]?.length ?? 0;
  if (!rows || !columns) return [];
  if (rows > columns) {
    const turned = costs[0].map((_, column) => costs.map((row) => row[column]));
    return assign(turned, limit).map(([one, other]) => /** @type {[number, number]} */ ([other, one])).sort(byRow);
  }
  const most = Math.max(...costs.flat().map(Math.abs));
  // One forbidden pair costs more than all allowed ones together, so as many pairs as possible are made.
  const forbidden = (Math.abs(limit) + most + 1) * (rows + 1);
  const allowed = costs.map((row) => row.map((cost) => (cost <= limit ? cost : forbidden)));
  const rowOf = paths(allowed, rows, columns);
  /** @type {[number, number][]} */
  const pairs = [];
  for (let column = 0; column < columns; column++) {
    const row = rowOf[column];
    if (row >= 0 && costs[row][column] <= limit) pairs.push([row, column]);
  }
  return pairs.sort(byRow);
}

/**
 * @param {number[][]} costs
 * @param {number} rows
 * @param {number} columns
 * @returns {number[]} the row of each column, -1 for none
 */
function paths(costs, rows, columns) {
  const rowPrice = new Array(rows).fill(0), columnPrice = new Array(columns + 1).fill(0);
  const rowOf = new Array(columns + 1).fill(-1); // the last column is where each row starts its search
  for (let row = 0; row < rows; row++) {
    rowOf[columns] = row;
    const slack = new Array(columns).fill(Infinity), previous = new Array(columns).fill(columns);
    const visited = new Array(columns + 1).fill(false);
    let column = columns;
    while (rowOf[column] >= 0) {
      visited[column] = true;
      const here = rowOf[column];
      let step = Infinity, following = 0;
      for (let other = 0; other < columns; other++) {
        if (visited[other]) continue;
        const reduced = costs[here][other] - rowPrice[here] - columnPrice[other];
        if (reduced < slack[other]) [slack[other], previous[other]] = [reduced, column];
        if (slack[other] < step) [step, following] = [slack[other], other];
      }
      for (let other = 0; other <= columns; other++) {
        if (visited[other]) {
          rowPrice[rowOf[other]] += step;
          columnPrice[other] -= step;
        } else if (other < columns) slack[other] -= step;
      }
      column = following;
    }
    while (column !== columns) {
      // Shift the assignments along the path.
      rowOf[column] = rowOf[previous[column]];
      column = previous[column];
    }
  }
  return rowOf.slice(0, columns);
}

/** @param {[number, number]} one @param {[number, number]} other */
function byRow(one, other) {
  return one[0] - other[0];
}
