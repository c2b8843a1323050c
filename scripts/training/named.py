"""The data sets that come with scikit-learn, offline, as tables."""

from reading.tables import Table
from support.installed_packages import require

NAMED = ("digits", "iris", "wine", "breast_cancer", "diabetes")
"""diabetes has a number to predict, the others a class."""


def named_table(name: str) -> Table:
    """The data set of that name; its last column is "class", or "target" where it is a number."""
    data = getattr(require("sklearn.datasets", extra="data"), f"load_{name}")()
    names = [str(column).replace(",", "") for column in data.feature_names]
    # repr of a float64 reads back as the same number.
    columns = {n: [repr(float(v)) for v in data.data[:, k]] for k, n in enumerate(names)}
    if name == "diabetes":
        columns["target"] = [repr(float(value)) for value in data.target]
    else:
        columns["class"] = [str(data.target_names[value]) for value in data.target]
    return Table(name, columns, list(range(1, len(data.target) + 1)))
