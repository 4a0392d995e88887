"""How long certificates live, and when their last third has begun."""

from datetime import datetime, timedelta

CA_LIFE = timedelta(days=5 * 365)
HOST_LIFE = timedelta(days=90)
CLIENT_DAYS = 90
# An authority is changed by hand, and everybody's certificate with it.
CA_WARNED = timedelta(days=180)


def in_last_third(made: datetime, until: datetime, now: datetime) -> bool:
    return (until - now) * 3 <= until - made
