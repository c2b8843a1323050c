"""Classes of mistakes, and what each may be called: several kinds say the same of one line."""

FACTORS = {"factor missing", "another factor", "upstream forgotten", "derivative missing", "constant factor"}
FACTORS |= {"constant factor per element", "factor 2", "factor 1/2", "derivative of another function"}
FACTORS |= {"factor too many", "derivative at another place"}  # without a divisor; without a factor inside
MEANS = {"constant factor", "mean for sum", "sum for mean", "mean for sum inside", "sum for mean inside"}
TERMS = {
    *("term missing", "path dropped", "path counted twice", "one use only", "last observation only"),
    "symmetric part",  # whose other term is the transpose of the first
}
CLASSES: dict[str, set[str]] = {
    "sign": {
        "derivative of another function",
        "wrong sign",
        "constant factor per element",
        "path counted twice",
        "constant factor",
    },
    "missing factor": FACTORS | {"another number", "another power", "term missing", *MEANS},
    "missing term": TERMS
    | {
        "another power",
        "another factor",
        "derivative of another function",
        "derivative missing",
        "another number",
    },
    "power": {
        "factor too many",
        "another name",
        "another power",
        "another number",
        "derivative of another function",
        "another factor",
        "factor missing",
        "factor 2",
        "factor 1/2",
        "input for the activation",
    },
    "number": {
        "another name",
        "another number",
        "another axis",
        *FACTORS,
        *TERMS,
        "transposed",
        "missing sum",
        "wrong sign",
    },
    "name": {
        "constant factor",
        "factor missing",
        "derivative missing",
        "another name",
        "another order",
        "another factor",
        "swapped",
        "input for the activation",
        "activation for the input",
    },
    "transpose": {"transposed", "factor transposed", "another order"},
    "sum or mean": {"sum and mean exchanged", *MEANS, "factor 2", "factor 1/2"},
    "missing sum": {
        "missing sum",
        "missing sum over the batch",
        "another axis",
        "derivative of another function",
    },
    "extra factor": FACTORS
    | {"another name", "path counted twice", "factor too many", "another power", "another number", *MEANS},
    "extra term": {"term too many", "path counted twice", "another number", "another factor", "another name"},
    "another function": {
        "another function",
        "constant factor",
        "derivative of another function",
        "derivative at the output",
        "derivative missing",
        "another name",
        "another factor",
        "input for the activation",
        "activation for the input",
        "straight-through",
        "path dropped",
    },
    "upstream": {"upstream forgotten", "one upstream element for all", "factor missing", "another factor"},
    "mask": {"mask", "factor missing", "another factor", "derivative missing", "another name", *TERMS},
    "order": {
        "another order",
        "another axis",
        "another function",
        "another name",
        "another number",
        "swapped",
        "transposed",
        "two indices swapped",
        "halves exchanged",
        "row for column",
    },
    "axis": {"another axis", "another number", "missing sum", "another shape", "product of sums"},
    "overwritten": {"overwritten", *TERMS, "repeated index overwritten", "mask", "last rows missing"},
}
"""What a mistake is, and the diagnoses that say so."""
