"""What all tests need of the process that they run in."""

import signal

import pytest


@pytest.fixture(autouse=True, scope="session")
def ctrl_c_is_heard():
    """A shell that starts a command in the background has it ignore Ctrl-C; the tests that send it would train for ever."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
