"""What is checked, and the witnesses' say on it: the task, its objective, the judgement, the report.

It knows neither what kind of mistake there is (diagnosis) nor how a user comes in (check).
"""

from torch_reference.judging.derivation_task import Task
from torch_reference.judging.report import Diagnosis, Finding, Report

__all__ = ["Diagnosis", "Finding", "Report", "Task"]
