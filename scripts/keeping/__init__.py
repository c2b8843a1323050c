"""Checkpoints: how any program writes down where it stands, and goes on from there.

| module | what it does |
| --- | --- |
| `checkpoints` | one format for all programs: safetensors with a checksum, the one before it kept |
| `plain_data` | nested data with tensors in it, as named tensors and one JSON text, and back |
| `fingerprints` | what tells one data file from another |
"""
