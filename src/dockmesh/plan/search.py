"""The way of a frame from one host to another, as a depth-first search that the switches carry out.

For each ordered pair (s, d) the plan lays a tree of links from s. A host that a frame has come to tries d, if d is its
peer, then its children in the tree, then sends the frame back where it came from; whatever BFD calls dead is left out.
Every link is a branch of the tree once at most (those into d may be taken from everywhere), so the place that a frame
came in at, its source and its destination say where in the search it is, and the frame carries nothing for that.

Why no frame circles: from a branch a frame goes on along one below it, back along its own, or into d; and back at the
foot of a branch along a later one there, or further back. So each is used once each way at most, whatever is dead, in
one direction or both, seen differently by its two ends, or dying while the frame travels. The tests check of every set
of rules that "this arc may follow that one" has no circle.

What is delivered, while failures stand still:

- As long as fewer links are dead than the tree has branches at s that share none: one of these lives, and the search
  comes to it. There are as many as there can be (Menger, 1927), or as many as were asked for.
- After any one dead link, or any one dead host, whenever a way is left. For no host lies on all branches between two
  hosts that none parts: give each host room for one branch less than all, and a cut is still wide enough, whether of
  links, of one host and a link, or of two hosts. A host that does part the two is passed in any case; there one search
  ends and the next begins.
- With all links searched, whenever a way of two hops lives: each peer of s is asked.

docs/decisions/0007-search-trees.md has the alternatives and the numbers.
"""

from collections.abc import Sequence
from typing import NamedTuple

from dockmesh.plan.blocks import Around, Block, GraphBlocks
from dockmesh.plan.degree import mixed
from dockmesh.plan.disjoint import Path, disjoint_paths


class SearchStep(NamedTuple):
    """What a host does with a frame: it goes to the first of `choices` whose tunnel is alive, or else to `resort`.

    `resort` gets it whatever BFD says; None: it is dropped.
    """

    choices: Path
    resort: int | None


# By host, and by the peer that the frame came from; None is the host itself.
Rules = dict[tuple[int, int | None], SearchStep]


class Searches:
    """All searches of one mesh. Hosts are numbers from 0; `keys`, one a host, break ties.

    `most`: so many branches that share no link, and not more. `everywhere`: all links that are left over are searched,
    too, nearest to the destination first.
    """

    def __init__(self, around: Around, keys: Sequence[int], most: int, *, everywhere: bool) -> None:
        self._blocks, self._keys = GraphBlocks(around), [mixed(key) for key in keys]
        self._most, self._everywhere = most, everywhere
        self._paths: dict[tuple[int, int], list[Path]] = {}

    def rules(self, source: int, destination: int) -> Rules:
        """Of one ordered pair of hosts."""
        rules: Rules = {}
        arrivals: list[int | None] = [None]
        for block, enter, leave in self._blocks.chain(source, destination):
            tree = _tree(block, leave, self._disjoint(block, enter, leave), everywhere=self._everywhere)
            arrivals = _write(rules, block, leave, tree, arrivals)
        return rules

    def _disjoint(self, block: Block, start: int, end: int) -> list[Path]:
        """There and back the same."""
        if (start, end) not in self._paths:
            # Each pair has an order of its own, or all would go round by the same few hosts.
            salt = mixed(self._keys[start] ^ self._keys[end])
            found = disjoint_paths(block, start, end, self._most, [key ^ salt for key in self._keys])
            self._paths[start, end] = found
            self._paths[end, start] = [path[::-1] for path in found]
        return self._paths[start, end]


class Branch:
    """The link over which a frame comes to `head`, and what is tried from there. That of the root is none."""

    __slots__ = ("children", "depth", "head", "parent")

    def __init__(self, head: int, parent: "Branch | None" = None) -> None:
        self.head, self.parent = head, parent
        self.children: list[Branch] = []
        self.depth: int = 0 if parent is None else parent.depth + 1

    def grow(self, head: int) -> "Branch":
        self.children.append(Branch(head, self))
        return self.children[-1]

    def passes(self, host: int) -> bool:
        return self.head == host or (self.parent is not None and self.parent.passes(host))


def _tree(block: Block, leave: int, paths: list[Path], *, everywhere: bool) -> Branch:
    root = Branch(paths[0][0])
    branches, used = [root], set[frozenset[int]]()
    for path in paths:
        at = root
        for host in path[1:-1]:
            used.add(frozenset((at.head, host)))
            at = at.grow(host)
            branches.append(at)
    while everywhere:
        # A branch takes one link at a time, so that no branch takes all that others could have, too.
        free = (
            ((block.far(leave)[peer], branch.depth, len(branch.children), place, number), branch, peer)
            for place, branch in enumerate(branches)
            for number, peer in enumerate(block.around[branch.head])
            if peer not in (root.head, leave) and frozenset((branch.head, peer)) not in used and not branch.passes(peer)
        )
        best = min(free, default=None, key=lambda each: each[0])
        if best is None:
            break
        _, branch, peer = best
        used.add(frozenset((branch.head, peer)))
        branches.append(branch.grow(peer))
    return root


def _write(rules: Rules, block: Block, leave: int, root: Branch, arrivals: list[int | None]) -> list[int | None]:
    """The rules of one search, into `rules`; returns from whom frames come to `leave`."""
    ends: list[int | None] = []
    # A branch, and whether nothing is left to try where it would send a frame back to: then it sends the frame on,
    # for BFD may only not be up yet. After a restart of Open vSwitch that takes about a second.
    waiting = [(root, True)]
    while waiting:
        branch, last = waiting.pop()
        host, kids = branch.head, tuple(child.head for child in branch.children)
        direct = (leave,) if leave in block.around[host] else ()
        back = None if branch.parent is None else branch.parent.head
        if direct:
            ends.append(host)
        for came_from in arrivals if branch.parent is None else [back]:
            rules[host, came_from] = SearchStep(direct + kids, ((*direct, *kids, back)[0]) if last else back)
        for number, child in enumerate(branch.children, start=1):
            later = kids[number:]
            rules[host, child.head] = SearchStep(later, ((*direct, *later, back)[0]) if last else back)
            waiting.append((child, last and not later and not direct))
    return ends
