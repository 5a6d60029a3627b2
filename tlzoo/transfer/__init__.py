"""Strategies, the one training loop, frozen features, stand-ins, fine-tuned models on disk."""
