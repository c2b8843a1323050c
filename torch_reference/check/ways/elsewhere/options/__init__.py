"""Options of a call: flags the other way, other numbers, something for None.

| file | what it holds |
| --- | --- |
| option | what an option is, and where it stands |
| changed | each option another, alone, then at other inputs |
| together | several options others at once |
| settled | the session of a call with others, where the reference takes them |
| other_inputs | another option at inputs of another sign, with zeros, equal, or large |
| whole_numbers | tensors of whole numbers, as exponents are |
| values_in_place | what is tried in the place of a flag, a number or a word |
| in_place_of_none | what is tried for an option that is None |
| left_out | tensors that a call may leave out, as a bias |
| read | whether the reference reads an option, and another number that means the same to it |
| unsaid | options that a call leaves at their defaults |
| fitting | inputs of half a size, for an option that needs it |
"""

from torch_reference.check.ways.elsewhere.options.values_in_place import other_values

__all__ = ["other_values"]
