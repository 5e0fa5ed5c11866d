"""Cheapest pairing of rows with columns: the assignment problem, solved exactly and without SciPy.

SciPy's ``linear_sum_assignment`` does the same, but SciPy is only installed for training. Frames
hold a handful of faces, so this takes microseconds to a few milliseconds.
"""

import numpy as np
from numpy.typing import NDArray


def assign(costs: NDArray[np.float64], limit: float) -> list[tuple[int, int]]:
    """Pair rows and columns of finite costs (N, M): as many pairs as possible, at minimum cost.

    A pair that costs more than ``limit`` is never made. Shortest augmenting paths with potentials
    (Jonker and Volgenant 1987, doi:10.1007/BF02278710). Returns (row, column) pairs in row order.
    """
    if not costs.size:
        return []
    if len(costs) > costs.shape[1]:
        return sorted((row, column) for column, row in assign(costs.T, limit))
    rows, columns = costs.shape
    # One forbidden pair costs more than all allowed ones together, so as many pairs as possible are made.
    allowed = np.where(costs <= limit, costs, (abs(limit) + float(np.abs(costs).max()) + 1) * (rows + 1))
    row_price, column_price = np.zeros(rows), np.zeros(columns + 1)
    row_of = np.full(columns + 1, -1)  # the extra last column is where each row starts its search
    for row in range(rows):
        row_of[columns] = row
        slack, previous = np.full(columns, np.inf), np.full(columns, columns)
        visited = np.zeros(columns + 1, bool)
        column = columns
        while row_of[column] >= 0:
            visited[column] = True
            here = row_of[column]
            reduced = allowed[here] - row_price[here] - column_price[:-1]
            better = ~visited[:-1] & (reduced < slack)
            slack[better], previous[better] = reduced[better], column
            following = int(np.where(visited[:-1], np.inf, slack).argmin())
            step = slack[following]
            row_price[row_of[visited]] += step
            column_price[visited] -= step
            slack[~visited[:-1]] -= step
            column = following
        while column != columns:  # flip the pairs along the augmenting path
            row_of[column] = row_of[previous[column]]
            column = int(previous[column])
    pairs = [(int(row_of[column]), column) for column in range(columns) if row_of[column] >= 0]
    return sorted(pair for pair in pairs if costs[pair] <= limit)
