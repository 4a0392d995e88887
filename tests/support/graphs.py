"""Every connected graph of a few hosts."""

from collections.abc import Iterator
from itertools import combinations

import networkx as nx


def connected_graphs(*counts: int) -> Iterator["nx.Graph[str]"]:
    """Of host1, host2 …, and not only up to their names: what the plan chooses hangs on the hosts' numbers, too."""
    for count in counts:
        names = [f"host{number}" for number in range(1, count + 1)]
        pairs = list(combinations(names, 2))
        for chosen in range(1, 1 << len(pairs)):
            graph: nx.Graph[str] = nx.Graph()
            graph.add_nodes_from(names)
            graph.add_edges_from(pair for place, pair in enumerate(pairs) if chosen >> place & 1)
            if nx.is_connected(graph):
                yield graph
