"""Numbers from files as people have them: one answer, for every program, to what a number and a column is.

| module | what it knows |
| --- | --- |
| `cells` | which text is a number, and what else it may be: a date, a missing value, separated thousands |
| `text_files` | gzip, UTF-8, UTF-16, Latin-1; what is no text at all |
| `csv_format` | the separator and the decimal sign of a file, and what was assumed, in one line |
| `header_below` | where the header is, if a title or a line of units stands beside it |
| `csv_rows` | rows of cells, comments left out, each with its line |
| `tables` | a whole CSV file in memory: named columns of cells |
| `columns` | the columns that --inputs and --outputs choose |
| `plain_lines` | what others wrote, on one line that commands no terminal |
| `option_hints` | which option of ours somebody means who gives another program's |
| `npy_files` | the header of a .npy file |
"""
