"""Every connected graph of a few hosts."""

from collections.abc import Iterator
from itertools import combinations

import networkx as nx
from hypothesis import strategies as st


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


@st.composite
def graphs(draw: st.DrawFn, most: int) -> "nx.Graph[str]":
    """Connected, of three hosts and more, from a tree to one with most links."""
    count = draw(st.integers(3, most))
    graph: nx.Graph[str] = nx.Graph()
    graph.add_nodes_from(f"host{number}" for number in range(1, count + 1))
    for place in range(2, count + 1):
        graph.add_edge(f"host{draw(st.integers(1, place - 1))}", f"host{place}")
    places = st.integers(1, count)
    for one, other in draw(st.lists(st.tuples(places, places), max_size=3 * count)):
        if one != other:
            graph.add_edge(f"host{one}", f"host{other}")
    return graph
