"""Hand-written backwards as courses, blogs and libraries publish them, written anew in their style.

Each file's SUBJECTS is a table: name -> what makes (function, reference, inputs[, positions]) for
check_function, or (model, loss, inputs, targets, derivation) for check_derivation.
"""

MODULES = (
    "course",
    "convolution",
    "recurrent",
    "char_rnn",
    "llmc",
    "attention",
    "fused",
    "losses",
    "classifiers",
    "derived",
)
