"""Tasks that wait for a slot: what starts next is decided purely (``plan``), started once (``service``)."""
