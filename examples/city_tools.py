"""Two tools on real data: the time zone database, and the coordinates in ``data/cities.csv``."""

from __future__ import annotations

import csv
from datetime import datetime
from functools import lru_cache
from math import asin, cos, radians, sin, sqrt
from pathlib import Path
from zoneinfo import ZoneInfo

EARTH_RADIUS_KM = 6371.0


@lru_cache(maxsize=1)
def _cities() -> dict[str, dict[str, str]]:
    with (Path(__file__).parent / "data" / "cities.csv").open(encoding="utf-8") as file:
        return {row["city"].lower(): row for row in csv.DictReader(file)}


def _find(city: str) -> dict[str, str]:
    row = _cities().get(city.strip().lower())
    if row is None:
        raise ValueError(f"no data on {city!r}; known are {', '.join(row['city'] for row in _cities().values())}")
    return row


def local_time(city: str) -> str:
    """Tell the local time in a city."""
    row = _find(city)
    now = datetime.now(ZoneInfo(row["time_zone"]))
    return f"It is {now:%A, %H:%M} in {row['city']}, {row['country']} ({now:%Z}, UTC{now:%z})."


def distance_between(origin: str, destination: str) -> str:
    """Measure the great-circle distance from one city to another."""
    start, end = _find(origin), _find(destination)
    latitude, other_latitude = radians(float(start["latitude"])), radians(float(end["latitude"]))
    longitude, other_longitude = radians(float(start["longitude"])), radians(float(end["longitude"]))
    half_chord = (
        sin((other_latitude - latitude) / 2) ** 2
        + cos(latitude) * cos(other_latitude) * sin((other_longitude - longitude) / 2) ** 2
    )
    kilometres = 2 * EARTH_RADIUS_KM * asin(sqrt(half_chord))
    return f"From {start['city']} to {end['city']} it is {kilometres:,.0f} km."
