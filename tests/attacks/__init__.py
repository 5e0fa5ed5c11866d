"""Attacks on a server of one's own, with an honest visitor beside them."""
