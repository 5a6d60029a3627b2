"""Boards for people and for programs: tables of a terminal, HTML, Markdown, CSV, JSON, and a plot."""
