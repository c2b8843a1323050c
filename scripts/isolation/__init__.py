"""A derivation that somebody else wrote, run in a process of its own: nothing but numbers comes back.

A *nursery* is a process that has imported torch and nothing of the judge's; it forks one *pupil* for each
derivation, which imports it and answers call after call. The judge's side is `IsolatedDerivation`, called as
the derivation itself would be.

| module | holds |
| --- | --- |
| `named` | what homework:by_hand, homework.py:by_hand and module:Class.method stand for |
| `wire` | frames of JSON and bytes, so that nothing is ever unpickled |
| `tensors` | tensors to bytes and back: arguments with their strides, results as plain numbers |
| `blame` | an exception or a trace as one line: the file and the line of the derivation's author |
| `autograd_watch` | who asks autograd, or another library, for the derivative |
| `pupil` | the pupil's side: import, limits, answers |
| `nursery` | the process that forks the pupils, and that tells how each of them ended |
| `failures` | what came of a call that brought no numbers |
| `orphans` | the processes that a pupil has left behind |
| `derivation` | the judge's side: calls, time-outs, failures |

It is no sandbox: the pupil may read and write whatever its user may. docs/teaching.md says what to do then.
"""
