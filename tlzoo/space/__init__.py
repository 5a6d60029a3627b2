"""Gradio pages that the four Spaces share, one module a page; ``app`` puts them together.

A page is a function ``page(boards, task, ...)`` that is called inside of ``gr.Blocks``: it makes its components and
wires them to the shared choice of a task. No page imports torch before a visitor asks for a prediction.
"""
