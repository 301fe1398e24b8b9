"""A contestant's process: requests and answers as lines of JSON, with a time limit and an end."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any


class Failure(Exception):
    """A contestant that can't do what it was asked to, with the reason in a sentence."""


class Process:
    """A running contestant."""

    def __init__(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        self._log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as errors:
            try:
                # A session of its own: an interrupt at the keyboard reaches the harness alone, which ends them all.
                self._child = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env={**os.environ, **environment},
                    start_new_session=True,
                )
            except OSError as error:
                raise Failure(f"cannot be started: {error}") from error
        self._pending = b""

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Sends a request and waits for its answer, at most so many seconds."""
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(request).encode() + b"\n")
            self._child.stdin.flush()
        except (OSError, ValueError):
            self._fail("ended")
        line = self._line(time.monotonic() + seconds, seconds)
        try:
            answer = json.loads(line)
        except ValueError:
            self._fail(f"answered {line[:80]!r}")
        if "error" in answer:
            raise Failure(str(answer["error"]))
        return answer

    def _line(self, deadline: float, seconds: float) -> bytes:
        assert self._child.stdout is not None
        pipe = self._child.stdout.fileno()
        while b"\n" not in self._pending:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                self._fail(f"gave no answer for {seconds:.0f} s")
            read = os.read(pipe, 1 << 20)
            if not read:
                self._fail("ended")
            self._pending += read
        line, self._pending = self._pending.split(b"\n", 1)
        return line

    def _fail(self, what: str) -> None:
        """Ends the process and says what its last words were."""
        self.end(patience=0.5)
        words = [line for line in self._log.read_text(errors="replace").splitlines() if line.strip()]
        last = f": {words[-1].strip()[:200]}" if words else ""
        status = self._child.returncode
        raise Failure(f"{what} (status {status}){last}")

    @property
    def alive(self) -> bool:
        return self._child.poll() is None

    def close(self) -> None:
        """Tells the process that there are no more requests."""
        try:
            if self._child.stdin is not None:
                self._child.stdin.close()
        except OSError:
            pass

    def end(self, patience: float = 5.0) -> None:
        """Lets the process end by itself, then ends it with all that it started."""
        self.close()
        try:
            self._child.wait(patience)
        except subprocess.TimeoutExpired:
            pass
        # The group is its own, see above; what the child has left behind is in it.
        try:
            os.killpg(self._child.pid, 9)
        except (ProcessLookupError, PermissionError):
            pass
        self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()
