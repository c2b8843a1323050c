"""What kind of mistake a wrong gradient looks like: candidates, each tried on several random points."""

from torch_reference.diagnosis.diagnosis import diagnose

__all__ = ["diagnose"]
