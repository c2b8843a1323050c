"""What a line that only copies may have left out: also what is read at an index that is looked up."""

from torch_reference.repair.anew.rebuilt import Original
from torch_reference.repair.edits.edits_in_order import edits_in_order


def backward(probs, actions, slopes, t):
    """A line that only gives another name to what there is."""
    d_softmax = slopes[actions[t], :]
    d_log = d_softmax
    return d_log @ probs


def test_a_copy_may_have_left_out_what_is_read_at_another_variables_index() -> None:
    original = Original(backward, backward.__code__)
    lines = original.statements()
    copy = next(one for one in lines if original.source.text(one) == "d_log = d_softmax")
    edits = [
        original.source.edited(edit)
        for edit, statement in edits_in_order(original, lines, backward.__code__, [copy.lineno], ())
        if statement is copy
    ]
    assert any("d_log = d_softmax / probs[actions[t]]\n" in text for text in edits)
    other = next(one for one in lines if "slopes" in original.source.text(one))
    texts = [
        edit.text
        for edit, statement in edits_in_order(original, lines, backward.__code__, [copy.lineno], ())
        if statement is other
    ]
    assert not any("probs[actions[t]]" in text for text in texts)
