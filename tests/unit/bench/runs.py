"""A run that nobody made."""

from bench.peers.types import (
    About,
    Bench,
    Goodput,
    Latency,
    Load,
    Machine,
    Mtu,
    Pace,
    Packets,
    Pair,
    Result,
    Rtt,
    Silence,
    Start,
    Turns,
)

LOAD = Load(0.5, 1.2)
NEAR, FAR = Pair("host1", "host2"), Pair("host1", "host3")


def about(name: str, title: str, *, encrypts: bool = False) -> About:
    return About(
        name, title, "Open vSwitch, netdev", encrypts, "host1", "the root of the tree", ("as its manual says",)
    )


def silence(gap_ms: float | None, watched_s: float = 5.0) -> Silence:
    return Silence(FAR, gap_ms, watched_s, LOAD)


def goodput(pair: Pair | None, own: float, underlay: float) -> Goodput:
    return Goodput(pair, Turns((own,), (underlay, underlay)), Turns((1.5,), (1.0, 1.0)), LOAD)


def whole(name: str, title: str, cut_ms: float | None) -> Result:
    return Result(
        about(name, title),
        ("tinc 1.0.36-2.1",),
        Start(4.2, 6.1, LOAD),
        Mtu(1500, 1437),
        (Latency(FAR, Rtt(0.8, 1.1, 500, 500), Rtt(0.4, 0.6, 500, 500), LOAD),),
        (goodput(NEAR, 860, 1000), goodput(FAR, 700, 1000)),
        goodput(None, 600, 1200),
        Packets(FAR, Turns((20000.0,), (40000.0, 40000.0)), LOAD),
        cut=silence(cut_ms, 5.0 if cut_ms else 120.0),
        heal=silence(1329.4),
        crash=silence(12.0),
        back=silence(0.0),
    )


BENCH = Bench(
    "2026-01-02 03:04 UTC",
    "0.1.0",
    Machine(2, 8, "6.12", "cubic"),
    3,
    Pace(1, 5, 120.0),
    (
        whole("underlay", "bare underlay", None),
        whole("dockmesh-rstp", "dockmesh, rstp", 254.0),
        whole("swarm", "Docker <Swarm>", None),
        Result(about("tinc", "tinc, switch", encrypts=True), failed={"start": "host1: a command failed\n   ran  x"}),
    ),
)
