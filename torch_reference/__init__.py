"""The reference: the lesson's network built from torch.nn, its gradient by autograd."""
