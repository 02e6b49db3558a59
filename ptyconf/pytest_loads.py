"""The configs that tests load: what is told of a failure masks the secrets of those that are gone, too."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from ptyconf.merge.watched import WATCHERS

if TYPE_CHECKING:
    from ptyconf.merge.resolution import Resolution

HELD = 200  # resolutions, of 30 KB at most as a rule


class Loads:
    """The resolutions with secrets that were made: by the test itself, and before it for several tests.

    The last ones are held, for what a test prints of a config that is gone is masked, too.
    """

    def __init__(self) -> None:
        self.of_test: deque[Resolution] = deque(maxlen=HELD)
        self.of_many: deque[Resolution] = deque(maxlen=HELD)  # imports, and fixtures of a wider scope
        self.noting = self.of_many

    def __iter__(self) -> Iterator[Resolution]:
        return iter((*self.of_test, *self.of_many))

    def note(self, resolution: Resolution) -> None:
        """Hold a resolution that has a secret."""
        if resolution.schema.has_secrets:
            self.noting.append(resolution)

    def pytest_runtest_logstart(self) -> None:
        """Begin another test."""
        self.of_test.clear()
        self.noting = self.of_test

    def pytest_runtest_logfinish(self) -> None:
        """End it."""
        self.noting = self.of_many

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Iterator[Any]:
        """Note what a fixture makes for several tests as theirs."""
        before = self.noting
        if fixturedef.scope != "function":
            self.noting = self.of_many
        try:
            return (yield)
        finally:
            self.noting = before


LOADS: pytest.StashKey[Loads] = pytest.StashKey()


def pytest_configure(config: pytest.Config) -> None:
    """Begin to note which configs are loaded."""
    if config.getoption("--ptyconf") != "off":
        loads = Loads()
        WATCHERS.append(loads.note)
        config.stash[LOADS] = loads
        config.pluginmanager.register(loads, "ptyconf-loads")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Leave the watch."""
    loads = config.stash.get(LOADS, None)
    if loads is not None:
        WATCHERS.remove(loads.note)
