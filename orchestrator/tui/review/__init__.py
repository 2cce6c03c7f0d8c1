"""What the review screen shows, apart from how it is drawn: rows, words, colours of code. No widget is in here."""
