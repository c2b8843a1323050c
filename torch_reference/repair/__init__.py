"""One edit that would make it right: the wrong line of the user's file, edited, tried, and shown as a diff.

| file | what it is |
| --- | --- |
| single_edits.py | the smallest edits of a line that make the whole gradient right |
| search.py | the search among the edits of some lines |
| helpers.py | the helpers that suspect lines call |
| likeliest_line.py | the line with most to get wrong, where no edit tells |
| confirmed.py | what something right was made of, which is no suspect |
| edits/ | every single edit of a line, the likeliest first |
| anew/ | the user's function, or method, with another text |
| screening.py, statement_ranges.py, frame_watch.py | most edits told off in the frame's variables |
| task_trials.py | how an edited derivation is tried |
| time_limit.py, interrupted.py | an end for what an edit makes run for ever, and what it leaves behind |
"""

from torch_reference.repair.search import Trials
from torch_reference.repair.single_edits import Repairs
from torch_reference.repair.task_trials import TaskTrials

__all__ = ["Repairs", "TaskTrials", "Trials"]
