"""Cards: prose and facts of one model, and how to use it in three lines."""

from __future__ import annotations

import gradio as gr

from tlzoo.cards import catalogue
from tlzoo.cards.render import markdown
from tlzoo.space.boards import Boards
from tlzoo.vocabulary import TRAINED


def page(boards: Boards) -> gr.Dropdown:
    """Make the page; gives the choice of a card."""
    cards = boards.cards()
    chosen = gr.Dropdown([(card.name, card.id) for card in cards], value=cards[0].id, label="Model")
    usage = gr.Code(use(cards[0].id), language="shell", label="Use it", interactive=False)
    text = gr.Markdown(markdown(catalogue.get_file(cards[0].id)), sanitize_html=True)
    chosen.change(
        lambda card: (use(card), markdown(catalogue.get_file(card))), [chosen], [usage, text], show_progress="hidden"
    )
    return chosen


def use(card_id: str) -> str:
    """Commands that try a model, fine-tune it where that can be done, and use what came of it."""
    card = catalogue.get(card_id)
    first = f"tlzoo eval --task {card.task} --model {card.id}"
    if not set(card.transfer.strategies) & set(TRAINED):
        return f"{first}\ntlzoo predict {card.id} FILE"
    tune = f"tlzoo finetune {card.id} --task {card.task} --data FOLDER --out my-model"
    return f"{first}\n{tune}\ntlzoo predict my-model FILE"
