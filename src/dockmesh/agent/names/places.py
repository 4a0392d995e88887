"""Places for those who wait, in fair shares: when there are none left, whoever has most of them gives one up."""

from __future__ import annotations

from collections.abc import Callable


class Place:
    """Taken until it is given back."""

    def __init__(self, places: Places, source: str) -> None:
        self.lose: Callable[[], None] = lambda: None  # called where it is taken away
        self._places = places
        self._source = source

    def give_back(self) -> None:
        """At most once a place, however often it is called."""
        held = self._places.held.get(self._source, {})
        if held.pop(self, None) and not held:
            del self._places.held[self._source]


class Places:
    def __init__(self, most: int, most_of_one: int | None = None) -> None:
        self.most = most
        self.most_of_one = most if most_of_one is None else most_of_one
        self.held: dict[str, dict[Place, bool]] = {}  # by source, the oldest first

    @property
    def taken(self) -> int:
        return sum(map(len, self.held.values()))

    def take(self, source: str) -> Place | None:
        """Where all are taken it is that of somebody who has at least two more; None if nobody has."""
        own = len(self.held.get(source, ()))
        if own >= self.most_of_one:
            return None
        if self.taken >= self.most:
            greedy = max(self.held, key=lambda each: len(self.held[each]))
            if len(self.held[greedy]) < own + 2:
                return None
            oldest = next(iter(self.held[greedy]))
            oldest.give_back()
            oldest.lose()
        place = Place(self, source)
        self.held.setdefault(source, {})[place] = True
        return place
