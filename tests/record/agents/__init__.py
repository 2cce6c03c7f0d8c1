"""How each CLI is set up for recording, and the marks that prove its moments."""
