"""Data as people have them: a table of kinds, each with what is read of it, or the line in which it is refused.

``python -m tests.data.kinds`` tries all of them and prints the table; ``test_kinds.py`` holds it.
"""
