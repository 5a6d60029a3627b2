"""How the pages look and behave in a browser: theme, style sheet, and a few lines of script."""

from __future__ import annotations

from typing import Any

from tlzoo.leaderboard.views.html import SCRIPT, STYLE

CSS = f"""
.tlzoo {{color-scheme: light}} .dark .tlzoo {{color-scheme: dark}}
{STYLE}
.tlzoo table.facts td, .tlzoo table.facts th {{white-space: normal; text-align: left;
  vertical-align: top; min-width: 9rem}}
.tlzoo img, .tlzoo video {{max-width: 100%; max-height: 30rem; border-radius: 8px; image-rendering: auto}}
.gradio-container {{max-width: 90rem !important}}
@media (max-width: 640px) {{.gradio-container {{padding: 0.4rem !important}} .tlzoo {{font-size: 0.8rem}}}}
"""
_ADDRESS = """
function tlzooRemember(name, value) {
  const address = new URL(location), text = Array.isArray(value) ? value.join(",") : value;
  text ? address.searchParams.set(name, text) : address.searchParams.delete(name);
  history.replaceState(null, "", address);
}
document.addEventListener("click", event => {
  const tab = event.target.closest("#tabs [role=tab], #tabs .overflow-dropdown button");
  if (tab) tlzooRemember("tab", tab.textContent.trim().toLowerCase().replace(" ", "-"));
});
"""
_OWN = "'self' data: blob:"
HEAD = (
    f'<meta http-equiv="Content-Security-Policy" content="img-src {_OWN}; media-src {_OWN}; font-src {_OWN}">'
    f"<script>{SCRIPT}{_ADDRESS}</script>"
)
"""No picture, sound or font of another place, whatever a card asks for; tables that are sorted; an address that says
what is seen."""


def remember(name: str) -> str:
    """A script that keeps a component's value in the address, so that a link restores the view."""
    return f"value => {{tlzooRemember('{name}', value); return value}}"


def theme() -> Any:
    """Gradio's plain theme with the system's own fonts: nothing is fetched from elsewhere."""
    import gradio as gr

    return gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"])
