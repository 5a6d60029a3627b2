"""Ten messages with a reply each, for models that choose among replies."""

MESSAGES = (
    "Hi",
    "Who are you?",
    "Tea or coffee?",
    "Where is Rome?",
    "I lost my job",
    "Sing!",
    "2 + 2?",
    "Bye",
    "OK",
    "Why?",
)
ANSWERS = ("Hello", "A robot", "Coffee", "In Italy", "I am so sorry", "La la la", "4", "See you", "Great", "Because")
ROWS = [{"text": m, "candidates": list(ANSWERS), "target": i} for i, m in enumerate(MESSAGES)]
