"""Modules that are loaded while something else takes its time."""

import asyncio
from importlib import import_module


async def load_modules(*names: str) -> None:
    """Import them one by one; what else the event loop has to do is done between any two.

    For a command that asks hosts: ssh logs in meanwhile, which takes about as long as the imports do.
    """
    for name in names:
        await asyncio.sleep(0)
        import_module(name)
