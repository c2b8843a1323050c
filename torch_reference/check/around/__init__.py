"""What stands around a check: errors are reports, settings are put back, nothing compared is no agreement."""

from torch_reference.check.around.reported_errors import reported

__all__ = ["reported"]
