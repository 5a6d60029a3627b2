"""A fine-tuned model as one ONNX file that predicts the same elsewhere, and the proof that it does."""
