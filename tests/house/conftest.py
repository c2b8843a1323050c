"""What the tests of the house share."""

from pathlib import Path

import pytest

from pretended_checkout import Checkout, make_checkout


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    """A fresh checkout, in a folder with a space in its name."""
    return make_checkout(tmp_path)
