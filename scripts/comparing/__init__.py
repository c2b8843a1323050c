"""The parts of compare_gradients.py."""
