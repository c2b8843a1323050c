"""Every diagnosis in one plain sentence, and how to mend it; docs/diagnoses.md has an example of each."""

KINDS = {
    "detached": (
        "It is zero everywhere, as if the loss did not depend on it.",
        "Look for a detached or overwritten intermediate, or a derivative that is never added.",
    ),
    "wrong sign": (
        "It is the right gradient with the opposite sign.",
        "Look for a minus sign: d(Observed − Predicted)/dPredicted is −1.",
    ),
    "missing sum over the batch": (
        "It holds one gradient per observation; their sum over the batch is right.",
        "Sum over the first dimension.",
    ),
    "missing sum": (
        "It holds terms whose sum over dimension {where} is right.",
        "Sum over dimension {where}: what was broadcast in the forward pass is summed in the backward pass.",
    ),
    "term missing": (
        "It is only some of the {count} terms that belong to it: overwritten, or not added.",
        "Add up the gradients of all uses: += for =.",
    ),
    "factor 2": (
        "It is twice the right gradient.",
        "Look for a factor 2, from a square, that is counted twice or does not belong here.",
    ),
    "factor 1/2": (
        "It is half of the right gradient.",
        "Look for a forgotten factor 2, from the derivative of a square.",
    ),
    "mean for sum": (
        "It is the right gradient divided by the number of observations.",
        "Do not divide by their number: where the loss is their mean, it is divided once already.",
    ),
    "sum for mean": (
        "It is the right gradient times the number of observations.",
        "Divide by their number: the loss is their mean, or a mean is taken on the way to it.",
    ),
    "factor with n": (
        "It is the right gradient times {where}, n being the number of observations.",
        "Divide by n as often as the loss does; the derivative of a square has a factor 2.",
    ),
    "transposed": (
        "It is the transpose of the right gradient.",
        "Transpose it, or swap the two factors of the product and transpose both.",
    ),
    "symmetric part": (
        "{where}: both say the same of a matrix that stays symmetric.",
        "Return that mean of what is always symmetric, as torch does, and compare with a reference of "
        "(A + A.mT) / 2; what keeps to one triangle is right where the other is not read.",
    ),
    "sum for mean inside": (
        "The derivative of a mean is not divided by the number of its terms ({where} of the forward pass).",
        "A mean of m terms hands 1/m of its upstream gradient to each of them.",
    ),
    "mean for sum inside": (
        "The derivative of a sum is divided by the number of its terms ({where} of the forward pass).",
        "A sum hands its whole upstream gradient to each of its terms.",
    ),
    "derivative missing": (
        "A derivative is missing, as if it were 1 ({where} of the forward pass).",
        "Multiply by that function's derivative at its input.",
    ),
    "derivative at the output": (
        "The activation's derivative is taken at its output, not at its input ({where}).",
        "Take the derivative at what went into the activation, before it was applied.",
    ),
    "one use only": (
        "It is used more than once, and one use is not counted ({where}): overwritten, not accumulated.",
        "Add the gradients of all uses.",
    ),
    "factor missing": (
        "A factor of the chain is missing, as if it were 1 ({where} of the forward pass).",
        "Multiply by the other factor of that product: for a weight it is the layer's input.",
    ),
    "factor transposed": (
        "A factor of a matrix product is transposed ({where} of the forward pass).",
        "For Y = X W, d_X is d_Y Wᵀ and d_W is Xᵀ d_Y.",
    ),
    "straight-through": (
        "A step is derived as if it were the identity ({where} of the forward pass): straight through.",
        "Its derivative is zero. If straight-through is meant, mean it in the reference, too.",
    ),
    "derivative of another function": (
        "The derivative is that {where} of the forward pass.",
        "Take the derivative of the function that the forward pass applies.",
    ),
    "repeated index overwritten": (
        "Where an index occurs more than once, only its last occurrence counts ({where}).",
        "Add up: index_add_ or scatter_add_, or index_put_ with accumulate=True.",
    ),
    "row for column": (
        "A factor is broadcast along rows where it belongs to columns, or the other way round ({where}).",
        "Give it its dimension: unsqueeze(0) or unsqueeze(1).",
    ),
    "input for the activation": (
        "A factor is taken before its activation: the input for the output ({where} of the forward pass).",
        "Multiply by what the activation returned.",
    ),
    "activation for the input": (
        "A factor is taken after an activation: the output for the input ({where} of the forward pass).",
        "Multiply by what went into the layer.",
    ),
    "upstream forgotten": (
        "The gradient that comes from above is ignored, as if it were 1 (below {where} of the forward pass).",
        "Multiply by the upstream gradient: the chain rule.",
    ),
    "one upstream element for all": (
        "One element of the gradient that comes from above is used for all (below {where}).",
        "Use the whole upstream gradient: it is only constant where the loss is a plain sum.",
    ),
    "wrong head": (
        "What belongs to one head, or group of heads, goes to another ({where} of the forward pass).",
        "Undo what the forward pass did: repeat_interleave is not repeat, a view is not a transpose.",
    ),
    "wrong group": (
        "An average is taken over other elements ({where}).",
        "Average over the very elements over which the forward pass takes mean and variance.",
    ),
    "last rows left out": (
        "The last rows are not counted, as if the last block were never finished (below {where}).",
        "Let the loop run over the rest as well, or mask the last block.",
    ),
    "path dropped": (
        "Not every path from here to the loss is counted: not the one through {where} of the forward pass.",
        "Add the derivative along every path that leads to the loss.",
    ),
    "path counted twice": (
        "One path from here to the loss is counted twice: the one through {where} of the forward pass.",
        "Add the derivative along every path once: something is accumulated that was there already.",
    ),
    "product of sums": (
        "It is a product of sums where a sum of products belongs: Σa · Σb for Σab ({where}).",
        "Multiply for each observation first, then sum.",
    ),
    "another factor": (
        "A factor of the chain is another one than belongs there: {where} of the forward pass.",
        "Look at what is multiplied there: which weight, which node, which input?",
    ),
    "another function": (
        "It is right for another function: {where} of the forward pass.",
        "Compute what the forward pass computes.",
    ),
    "derivative at another place": (
        "A derivative is taken at another number than went into the function: at {where}.",
        "Take the derivative at what went into the function.",
    ),
    "factor too many": (
        "There is a factor too many, or a division by it is missing: {where} of the forward pass.",
        "Leave that factor out, or divide by it.",
    ),
    "another forward pass": (
        "It is right for another forward pass: {where}.",
        "Compute what the forward pass computes.",
    ),
    "upstream itself": (
        "It is the gradient of {where} as it comes from above, as if all between were the identity.",
        "Multiply by the derivative of what is between. Where straight-through is meant, give surrogate=.",
    ),
    "halves exchanged": (
        "The two halves of {where} are exchanged.",
        "Check which half goes with the sine and which with the cosine, and their signs.",
    ),
    "two indices swapped": (
        "It is right, but for {where}, which are swapped.",
        "Check the order of what is stacked or indexed: which weight goes with which node?",
    ),
    "swapped": (
        "It is the gradient that belongs to {where}.",
        "Check the name, or the order, under which it is returned.",
    ),
    "stale value": (
        "It was computed with the value that {where} had before.",
        "Use the parameters that are handed in, and recompute what depends on {where}.",
    ),
    "taken as zero": (
        "It is what would be right if {where} were zero.",
        "Look whether {where} is used wherever it belongs: a start at zero hides this.",
    ),
    "last observation only": (
        "It is the gradient of the last observation alone: overwritten, not accumulated.",
        "Add up over the observations: += in a loop, or a sum.",
    ),
    "first observation only": (
        "It is the gradient of the first observation alone.",
        "Add up over all observations.",
    ),
    "first observation left out": (
        "It lacks the first observation.",
        "Let the loop or the slice begin at the beginning: range(n), not range(1, n).",
    ),
    "last observation left out": (
        "It lacks the last observation.",
        "Let the loop or the slice run to the end.",
    ),
}
"""In the order in which they are tried: what is more specific comes first."""
