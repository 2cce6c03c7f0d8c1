"""One task to several agents or models, held side by side, and one of them picked."""
