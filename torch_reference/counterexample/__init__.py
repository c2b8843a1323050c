"""A failing point made small, written as a script that reproduces the failure in a process of its own."""
