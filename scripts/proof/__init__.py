"""The parts of scoreboard.py that stand beside the catalogue: the peers, and the contest of speed."""
