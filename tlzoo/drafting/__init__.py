"""Drafts of new cards: what a checkpoint says of itself, the few questions that are left, and the Markdown."""
