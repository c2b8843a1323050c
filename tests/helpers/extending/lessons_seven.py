"""Tests about the lesson's own seven parameters, for where its network has more (docs/add_a_parameter.md)."""

import pytest

from manual_backprop.fast.seven_parameters import ARE_ALL

seven_only = pytest.mark.skipif(not ARE_ALL, reason="about the lesson's seven parameters alone")
"""For what was derived or printed for these alone: the triangle, its descent, the README's figures."""
