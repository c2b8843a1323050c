"""train.py for any perceptron on any table of numbers: by hand and by torch, in lockstep."""
