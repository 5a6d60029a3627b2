"""Readers of the layouts that people have their data in: folders, tables, annotations, the Hub."""
