"""More hand-written backwards, rebuilt after code of other people: none was here when the search was built.

As in published/, each file's SUBJECTS is a table: name -> what makes (function, reference, inputs[,
positions]) for check_function, or (model, loss, inputs, targets, derivation) for check_derivation.
"""

MODULES = (
    *("scratch", "engines", "kernels", "metrics", "divergences", "frameworks", "algebra", "homework"),
    *("likelihoods", "lookups"),
)
