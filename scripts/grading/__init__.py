"""The parts of grade.py: a folder of submissions in, one line for each of them out.

| module | holds |
| --- | --- |
| `submissions` | which files and folders are submissions |
| `secret_points` | the networks at which all are judged, drawn from a seed that no submission can know |
| `marks` | what each derivative and each link is worth |
| `judging` | one submission, judged at every point |
| `class_run` | all of them, several at once |
| `class_table` | the table, the CSV file, the text for one student |
"""
