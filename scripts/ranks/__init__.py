"""Several processes at one thing: how they join, make sure that they mean the same, and end together.

| module | what it does |
| --- | --- |
| `joining` | the process group that torchrun describes; what is said when a process is lost |
| `likeness` | before the first step: options, versions and data are the same in every process |
| `orphans` | a process whose torchrun was killed ends, and writes nothing more |
"""
