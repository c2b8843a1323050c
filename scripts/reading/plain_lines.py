"""A text that others wrote, such as a column's name or an error, on one line that commands no terminal."""


def one_line(text: str) -> str:
    """The text on one line; what a terminal would take for a command is shown as Python writes it."""
    return without_commands(" ".join(part.strip() for part in text.splitlines() if part.strip()))


def without_commands(line: str) -> str:
    """The line as it is, but for what a terminal would take for a command."""
    return "".join(sign if sign.isprintable() else repr(sign)[1:-1] for sign in line)
