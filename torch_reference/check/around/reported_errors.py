"""What the user's objects raise where they are but looked at is a report too, and no error of the check's.

An argument or a result may raise where its class or its shape is asked for; no call of the user's is to blame
for that, and nothing is known of its numbers. What the code sets for the whole process is put back, and told;
and none of it ends the process.
"""

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec

from torch_reference.check.around.no_way_out import no_way_out
from torch_reference.check.around.settings import settings_put_back
from torch_reference.check.examine import raised
from torch_reference.judging.calls.nests import named_tensors
from torch_reference.judging.calls.raised_errors import (
    HERE,
    UserCodeError,
    ends_the_check,
    frames_of,
    own_frames,
)
from torch_reference.judging.report import Finding, Report
from torch_reference.judging.report_text import THE_CHECK

Parameters = ParamSpec("Parameters")


def reported(check: Callable[Parameters, Report]) -> Callable[Parameters, Report]:
    """The check, whose every error is a report, but a ValueError or a TypeError that it raises by itself.

    Those are of how it was called.

    >>> reported(lambda x: x.shape)(None)
    <UNDECIDED: the check could not go on (of unknown numbers)>
    """

    @functools.wraps(check)
    def checked(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Report:
        __tracebackhide__ = True
        with settings_put_back() as changed, no_way_out():
            try:
                report = check(*args, **kwargs)
            except BaseException as error:
                if ends_the_check(error) or _is_of_the_call(error):
                    raise
                report = Report((_could_not_go_on(error),), _dtype((args, kwargs)))
        told = f"set otherwise by the code that was called, and put back: {', '.join(changed)}"
        return replace(report, remarks=(*report.remarks, told)) if changed else report

    return checked


def _could_not_go_on(error: BaseException) -> Finding:
    finding = raised(UserCodeError(THE_CHECK, error))
    if own_frames(error):
        return finding
    where = frames_of(error)[-1]
    told = f"{finding.row.explanation} (in {Path(where.filename).name}, line {where.lineno})"
    return replace(finding, row=replace(finding.row, explanation=told))


def _is_of_the_call(error: BaseException) -> bool:
    is_meant = issubclass(type(error), ValueError | TypeError)
    return is_meant and frames_of(error)[-1].filename.startswith(str(HERE))


def _dtype(given: object) -> str:
    try:
        tensors = named_tensors(given, "given").values()
        return str(next(each.dtype for each in tensors if each.is_floating_point())).removeprefix("torch.")
    except Exception:  # it is why we are here
        return "of unknown numbers"
