"""The parts of learning_rate.py."""
