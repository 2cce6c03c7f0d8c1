"""What is worth a human's attention, in the order in which it pays the most: the order is computed, not guessed."""
