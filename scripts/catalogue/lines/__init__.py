"""Wrong lines: published backwards with one line wrong, and what the check says of each.

| file | what it is |
| --- | --- |
| published/, outside/ | the backwards: those that the search was built on, and those that came later |
| line_reports.py | mistakes that people report, in published/ |
| held_out_reports.py, held_out_norms.py | the same in outside/, written down before the check had seen any |
| line_mistakes.py | mistakes at random: a sign, a factor, a term, ... |
| line_trials.py | a module with a mistake, checked, and what is said of it |
"""
