"""Numbers with names."""

import math

e, inf, nan, pi = math.e, math.inf, math.nan, math.pi
