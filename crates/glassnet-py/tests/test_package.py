"""The package as it is installed: what it is called, what importing it costs."""

import glassnet


def test_the_version_is_the_crates():
    parts = glassnet.__version__.split(".")
    assert len(parts) == 3 and all(part.isdigit() for part in parts)
