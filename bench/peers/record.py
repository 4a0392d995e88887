"""A run in JSON, under names that stay. Pure."""

from dataclasses import asdict
from typing import Any

from bench.peers.types import Bench, Goodput, Result, Turns


def bench_json(bench: Bench) -> dict[str, Any]:
    pace = bench.pace
    return {
        "since": bench.since,
        "version": bench.version,
        "machine": asdict(bench.machine),
        "hosts": bench.hosts,
        "runs": pace.runs,
        "seconds": pace.seconds,
        "watch_s": pace.watch_s,
        "contenders": [result_json(result) for result in bench.results],
    }


def result_json(result: Result) -> dict[str, Any]:
    return {
        **asdict(result.about),
        "versions": list(result.versions),
        "settings": list(result.about.settings),
        "start": result.start and asdict(result.start),
        "mtu": result.mtu and asdict(result.mtu),
        "latency": [asdict(each) for each in result.latency],
        "goodput": [_goodput(each) for each in result.goodput],
        "all_pairs": result.all_pairs and _goodput(result.all_pairs),
        "packets": result.packets and {**asdict(result.packets), "per_second": _turns(result.packets.per_second)},
        **{
            name: silence and asdict(silence)
            for name, silence in (
                ("cut", result.cut),
                ("heal", result.heal),
                ("crash", result.crash),
                ("back", result.back),
            )
        },
        "failed": dict(result.failed or {}),
    }


def _goodput(goodput: Goodput) -> dict[str, Any]:
    return {**asdict(goodput), "mbit": _turns(goodput.mbit), "cpu_s_per_gbit": _turns(goodput.cpu_s_per_gbit)}


def _turns(turns: Turns) -> dict[str, Any]:
    return {"own": list(turns.own), "underlay": list(turns.underlay), "ratio": turns.ratio}
