"""How pages, fragments and errors go over the wire."""
