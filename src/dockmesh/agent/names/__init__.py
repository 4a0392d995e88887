"""The resolver of a host: names of the mesh for its containers. Its argument is the file that tells it what to do.

Python's standard library and dnslib only, Python 3.7 or later. Unlike the rest of `agent` it is more than one module:
they import one another relatively, for on a host, where all stand in one file, the package is called `names`.
"""
